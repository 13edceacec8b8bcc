"""How our verdicts on real responses agree with the labels that came with them.

Subject: the 800 responses of a Qwen2.5-Math model to 100 MATH problems in
`${RETORT_DATA}/generations`. Ours and math-verify grade the same responses in the same run, in
interleaved repeats; the ratio is CPU time per response (children included, imports left out),
math-verify's over ours, medians, each repeat in a process of its own so that caches start cold.
Every response on which we and its label disagree is printed.

    python benchmarks/label_agreement.py [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify

from factory.grade.math import MathGrader
from factory.recipe_file import data_root
from schemas.candidate import FinishReason
from schemas.recipe import GradeMath
from schemas.verdict import Status

Response = tuple[str, str, str, bool]
Grade = Callable[[list[Response]], list[tuple[bool, str]]]


def responses() -> list[Response]:
    """(where, gold, response, label) of each response, in order."""
    path = data_root() / "generations" / "qwen2.5-math_cot.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        (f"{row['problem_id']}/{index}", row["gold"], response, label)
        for row in rows
        for index, (response, label) in enumerate(zip(row["responses"], row["labels"], strict=True))
    ]


def ours(items: list[Response]) -> list[tuple[bool, str]]:
    """(correct, status and answer) of each response by our grader; a new grader has no cache."""
    with MathGrader(GradeMath(), workers=1) as grader:
        found = grader.grade_texts(
            [(gold, text, FinishReason.UNKNOWN) for _, gold, text, _ in items]
        )
    return [(one.status is Status.CORRECT, f"{one.status}: {one.extracted}") for one in found]


def math_verify(items: list[Response]) -> list[tuple[bool, str]]:
    """The same by math-verify, with its LaTeX extraction alone: the one for plain expressions
    hands text to sympy's `parse_expr`, which evaluates it."""
    latex = [LatexExtractionConfig()]
    return [
        (bool(verify(parse(f"${gold}$", latex), parse(text, latex))), "")
        for _, gold, text, _ in items
    ]


def cpu_s() -> float:
    """CPU time of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(grade: Grade, items: list[Response]) -> tuple[float, list[tuple[bool, str]]]:
    """CPU seconds and verdicts."""
    begun = cpu_s()
    found = grade(items)
    return cpu_s() - begun, found


def apart(grade: Grade, items: list[Response]) -> tuple[float, list[tuple[bool, str]]]:
    """`timed` in a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(timed, (grade, items))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repeat instead of five")
    parser.add_argument("--json", type=Path, help="write ratios and figures here")
    arguments = parser.parse_args()
    items = responses()
    repeats = 1 if arguments.quick else 5
    runs = [(apart(ours, items), apart(math_verify, items)) for _ in range(repeats)]
    (_, found), (_, theirs) = runs[0]
    labels = [label for *_, label in items]
    disagreements = [
        {"response": where, "gold": gold, "label": label, "ours": detail, "math_verify": their}
        for (where, gold, _, label), (verdict, detail), (their, _) in zip(
            items, found, theirs, strict=True
        )
        if verdict != label
    ]
    our_s = statistics.median(one for (one, _), _ in runs)
    their_s = statistics.median(one for _, (one, _) in runs)
    figures: dict[str, Any] = {
        "candidates": len(items),
        "agreement": share([one for one, _ in found], labels),
        "agreement_math_verify": share([one for one, _ in theirs], labels),
        "cpu_ms_per_response": 1000 * our_s / len(items),
        "cpu_ms_per_response_math_verify": 1000 * their_s / len(items),
        "disagreements": disagreements,
    }
    result = {"ratios": {"vs_math_verify": their_s / our_s}, "figures": figures}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    if str(arguments.json) != "/dev/stdout":
        print(json.dumps(result, indent=2))


def share(verdicts: list[bool], labels: list[bool]) -> float:
    """Share of responses on which verdict and label agree."""
    return statistics.fmean(one == other for one, other in zip(verdicts, labels, strict=True))


if __name__ == "__main__":
    main()
