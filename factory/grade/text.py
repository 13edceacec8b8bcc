"""Graders of plain text: equal after normalisation (`text`), or as it stands (`exact`).

The answer is what follows the reasoning, whole, or the last `\\boxed` in it. Neither grader
searches in the answer or forgives words around it, and a completion that was cut has none.

`text` equals one of the gold's alternatives after this normalisation and no other: Unicode NFKC
(but a raised or lowered digit stays one: `2⁵` is not 25), case folded, spaces collapsed, curly
quotes made straight, Markdown emphasis around words, outer quotes and a final full stop or
exclamation mark taken off. Emphasis is a pair of marks around at most 300 characters, so `2*3` and
`snake_case` stay as they are.

`exact` equals the gold character by character, but for space around either. Two ways to write one
character in Unicode (`é` as one or as two code points) are different.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from typing import Final, Self

from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.math.extract import Found, final_answer
from schemas.candidate import FinishReason
from schemas.problem import Problem
from schemas.verdict import Status

SEPARATOR: Final = " ||| "
_QUOTES: Final = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " "})
_EMPHASIS: Final = re.compile(
    r"(?<![\w*_`])(\*{1,3}|_{1,3}|`)(?=[^\s*_`])([^\n]{1,300}?)(?<=\S)\1(?![\w*_`])"
)
_RAISED: Final = ("<super>", "<sub>")
_KEPT_CHARS: Final = 2000


class TextGrader:
    """Equality of normalised text with the gold, whose alternatives ` ||| ` separates."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [_grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> str:
        """The first alternative."""
        return problem.gold.partition(SEPARATOR)[0]


class ExactGrader:
    """Equality of the answer's characters with the gold's."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [_grade_exactly(item) for item in items]

    def gold_answer(self, problem: Problem) -> str:
        """The gold as it stands."""
        return problem.gold


def normalise_text(text: str) -> str:
    """The form in which texts are compared."""
    folded = _compatible(text.translate(_QUOTES)).casefold()
    folded = " ".join(folded.split())
    while (plain := _EMPHASIS.sub(r"\2", folded)) != folded:
        folded = plain
    return folded.strip("\"' ").rstrip(".!").strip("\"' ")


def _compatible(text: str) -> str:
    """NFKC, but raised and lowered characters stay what they are."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    if not any(unicodedata.decomposition(char).startswith(_RAISED) for char in composed):
        return unicodedata.normalize("NFKC", composed)
    return unicodedata.normalize(
        "NFC",
        "".join(
            char
            if unicodedata.decomposition(char).startswith(_RAISED)
            else unicodedata.normalize("NFKC", char)
            for char in composed
        ),
    )


def _grade(item: Item) -> Verdict:
    start = time.monotonic()
    answer = answer_part(item.text, item.finish_reason)
    if answer is None or item.finish_reason is FinishReason.LENGTH:
        return _cut(start)
    answer = _boxed(item) or answer
    found = normalise_text(answer)
    if not found:
        return _none(start)
    wanted = [normalise_text(gold) for gold in item.problem.gold.split(SEPARATOR)]
    status = Status.CORRECT if found in wanted else Status.INCORRECT
    detail = f"compared with {len(wanted)} alternatives" if len(wanted) > 1 else ""
    return Verdict(status, answer.strip()[:_KEPT_CHARS], "text", detail, time.monotonic() - start)


def _grade_exactly(item: Item) -> Verdict:
    start = time.monotonic()
    whole = answer_part(item.text, item.finish_reason)
    if whole is None or item.finish_reason is FinishReason.LENGTH:
        return _cut(start)
    whole, wanted = whole.strip(), item.problem.gold.strip()
    if not whole:
        return _none(start)
    found = whole if whole == wanted else (_boxed(item) or whole)
    status = Status.CORRECT if found == wanted and wanted else Status.INCORRECT
    detail = "" if wanted else "the gold is empty"
    return Verdict(status, found[:_KEPT_CHARS], "exact", detail, time.monotonic() - start)


def _boxed(item: Item) -> str | None:
    boxed = final_answer(item.text, item.finish_reason)
    return boxed.answer if boxed.found is Found.BOXED else None


def _cut(start: float) -> Verdict:
    wall_s = time.monotonic() - start
    return Verdict(Status.TRUNCATED, "", "extraction", Found.UNFINISHED.value, wall_s)


def _none(start: float) -> Verdict:
    return Verdict(Status.UNPARSABLE, "", "extraction", "no answer", time.monotonic() - start)
