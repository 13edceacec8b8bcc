"""Real golds and real responses: GSM8K, MATH, and the shared generations with their labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from factory.grade.math import MathGrader
from factory.grade.math.extract import last_boxed
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.verdict import Status

STOP = FinishReason.STOP

WRONG_LABELS = {("math-cot-72", 7)} | {("math-cot-3", number) for number in range(8)}
"""Labels of the source that are wrong: 10000 for the gold 10{,}000, and `4:30 \\text{ p.m.}` for
the gold `\\text{4:30 p.m.}`; each was looked at."""


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def graded(pairs: list[tuple[str, str]]) -> list[Status]:
    with MathGrader(GradeMath(), workers=2) as grader:
        return [one.status for one in grader.grade_texts([(*pair, STOP) for pair in pairs])]


def test_each_gold_and_each_worked_solution_of_gsm8k_is_correct(data: Path) -> None:
    solutions = [row["answer"] for row in rows(data / "gsm8k" / "test.jsonl")]
    golds = [solution.rpartition("####")[2].strip() for solution in solutions]
    boxed = [(gold, f"\\boxed{{{gold}}}") for gold in golds]
    assert set(graded(boxed + list(zip(golds, solutions, strict=True)))) == {Status.CORRECT}


def test_each_gold_and_each_worked_solution_of_math_is_correct(data: Path) -> None:
    solutions = [row["solution"] for row in rows(data / "math" / "test.jsonl")]
    golds = [last_boxed(solution) or "" for solution in solutions]
    assert all(golds)
    boxed = [(gold, f"\\boxed{{{gold}}}") for gold in golds]
    assert set(graded(boxed + list(zip(golds, solutions, strict=True)))) == {Status.CORRECT}


def test_golds_of_math_paired_at_random_are_equal_only_where_they_say_the_same(data: Path) -> None:
    golds = [last_boxed(row["solution"]) or "" for row in rows(data / "math" / "test.jsonl")]
    turned = golds[1234:] + golds[:1234]
    found = graded([(one, f"\\boxed{{{other}}}") for one, other in zip(golds, turned, strict=True)])
    equal = {
        frozenset((one, other))
        for one, other, status in zip(golds, turned, found, strict=True)
        if status is Status.CORRECT and one != other
    }
    assert equal <= SAYS_THE_SAME


SAYS_THE_SAME = {frozenset(("17", "25_{6}"))}


def test_verdicts_on_real_responses_agree_with_their_labels_except_the_wrong_ones(
    data: Path,
) -> None:
    problems = rows(data / "generations" / "qwen2.5-math_cot.jsonl")
    pairs = [(row["gold"], text) for row in problems for text in row["responses"]]
    labels = [label for row in problems for label in row["labels"]]
    names = [(row["problem_id"], at) for row in problems for at in range(len(row["responses"]))]
    found = graded(pairs)
    differing = {
        name
        for name, label, status in zip(names, labels, found, strict=True)
        if (status is Status.CORRECT) != label
    }
    assert len(found) == 800
    assert differing == WRONG_LABELS
