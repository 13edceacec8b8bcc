"""MATH: real responses of a model, scored by us, by their project's labels and by lm_eval's tasks.

lm-evaluation-harness has two scores of MATH in `minerva_math`: `exact_match` wants the sentence of
its examples (`Final Answer: The final answer is $…$. I hope it is correct.`), `math_verify` reads
any answer; and one in `hendrycks_math`, which takes what stands between the first `$` and the last.
Responses that box their answer have neither wording, so each is scored as it is, and once more with
its boxed answer put in the wording that a score wants. Ours grades the responses as they are.

Most are right; the problems that the model solves sometimes are a set of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from factory.grade.math import grade_batch
from factory.grade.math.extract import last_boxed
from schemas.verdict import Status

from . import peers
from .compared import Compared, compare
from .stored import Response, rows_of

SET: Final = "generations/qwen2.5-math_cot.jsonl"
MINERVA: Final = "minerva_math/minerva_math_algebra.yaml"
HENDRYCKS: Final = "hendrycks_math/hendrycks_math_algebra.yaml"
"""Of any subject: the scoring of all is the same, and the documents are given."""
_SENTENCE: Final = "Final Answer: The final answer is"
_TIME: Final = re.compile(r"\d:\d\d")


class Why(StrEnum):
    """Classes of difference."""

    AGREE = "."
    WORDING = "w"
    """The wording of the task's examples is not there: it finds no answer, or takes for one what
    stands between two `$` somewhere in the text. We are right."""
    PERCENT = "p"
    """The gold is `25\\%` and the answer 25, of which the question asks the percent: equal by our
    policy (`percent = "either"`) and by the label, unequal for math_verify. A choice."""
    TIME_OF_DAY = "d"
    """`4:30 p.m.` in two spellings of LaTeX: we read times of day."""
    SPELLING = "s"
    """The same value, spelled otherwise than the gold; it compares characters, or what sympy's
    reader of LaTeX makes of them. We are right."""
    UNEXPLAINED = "?"


def why(gold: str, response: str, ours: bool, extracted: str, theirs: bool, how: str) -> Why:
    """The class of one difference; `how` is the name of the score."""
    if ours == theirs:
        return Why.AGREE
    if not ours:
        return Why.UNEXPLAINED
    lacks = how.startswith("minerva_math exact") and _SENTENCE not in response
    if lacks or (how.startswith("hendrycks") and not re.fullmatch(r"\$[^$]*\$", response)):
        return Why.WORDING
    if ("%" in gold) != ("%" in extracted):
        return Why.PERCENT
    if _TIME.search(gold) and _TIME.search(extracted):
        return Why.TIME_OF_DAY
    return Why.SPELLING if gold.replace(" ", "") != extracted.replace(" ", "") else Why.UNEXPLAINED


def scored(venv: Path, folder: Path) -> dict[str, Compared]:
    """Comparisons by score and set."""
    rows = rows_of(SET)
    solutions = {row["problem"]: row["solution"] for row in rows_of("math/test.jsonl")}
    responses = [
        Response(at, index, "real", text, bool(label))
        for at, row in enumerate(rows)
        for index, (text, label) in enumerate(zip(row["responses"], row["labels"], strict=True))
    ]
    golds = [rows[one.problem]["gold"] for one in responses]
    verdicts = grade_batch([(gold, one.text) for gold, one in zip(golds, responses, strict=True)])
    sometimes = {at for at, row in enumerate(rows) if 0 < sum(row["labels"]) < len(row["labels"])}
    found: dict[str, Compared] = {}

    def add(how: str, texts: Sequence[str], scores: Sequence[float]) -> None:
        ours = [one.status is Status.CORRECT for one in verdicts]
        theirs = [score == 1.0 for score in scores]
        reasons = [
            why(gold, text, ok, one.extracted, their, how).name
            for gold, text, ok, one, their in zip(golds, texts, ours, verdicts, theirs, strict=True)
        ]
        said = [
            (f"{one.status} {one.extracted}", f"gold {gold}")
            for one, gold in zip(verdicts, golds, strict=True)
        ]
        for name, kept in (
            (how, range(len(responses))),
            (f"{how}; problems solved sometimes", _places(responses, sometimes)),
        ):
            found[name] = compare(
                [responses[at] for at in kept],
                [ours[at] for at in kept],
                [theirs[at] for at in kept],
                [reasons[at] for at in kept],
                [said[at] for at in kept],
            )

    def scores(name: str, task: str, texts: Sequence[str]) -> dict[str, Any]:
        documents = [
            {"problem": problem, "solution": solutions[problem], "response": text}
            for one, text in zip(responses, texts, strict=True)
            for problem in [rows[one.problem]["problem"]]
        ]
        out = peers.lm_eval(venv, folder / name, [task], documents)
        return out[Path(task).stem]["samples"]["none"]

    plain = [one.text for one in responses]
    answers = [last_boxed(text) or "" for text in plain]
    asked = [
        f"{text}\n{_SENTENCE} ${answer}$. I hope it is correct."
        for text, answer in zip(plain, answers, strict=True)
    ]
    bare = [f"${answer}$" for answer in answers]
    as_is = scores("as-is", MINERVA, plain)
    add("minerva_math math_verify", plain, as_is["math_verify"])
    add("minerva_math exact_match", plain, as_is["exact_match"])
    add("hendrycks_math", plain, scores("as-is-h", HENDRYCKS, plain)["exact_match"])
    minerva = scores("asked", MINERVA, asked)
    add("minerva_math exact_match, in its wording", asked, minerva["exact_match"])
    hendrycks = scores("bare", HENDRYCKS, bare)
    add("hendrycks_math, in its wording", bare, hendrycks["exact_match"])
    return found


def _places(responses: Sequence[Response], problems: set[int]) -> list[int]:
    return [at for at, one in enumerate(responses) if one.problem in problems]
