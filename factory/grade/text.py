"""Grader of plain text: the answer equals one of the gold's alternatives after normalisation.

Normalisation: Unicode NFKC, case folded, spaces collapsed, quotes, Markdown emphasis and a final
full stop taken off. Nothing else: it neither searches in the answer nor forgives words around it.
The answer is what follows the reasoning, whole, or the last `\\boxed` in it.
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
from schemas.verdict import Status

SEPARATOR: Final = " ||| "
_QUOTES: Final = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " "})
_KEPT_CHARS: Final = 2000


class TextGrader:
    """Equality of normalised text with the gold, whose alternatives ` ||| ` separates."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One grading per item; see `factory.grade.contract.Grader`."""
        return [_grade(item) for item in items]


def normalise_text(text: str) -> str:
    """The form in which texts are compared."""
    folded = unicodedata.normalize("NFKC", text.translate(_QUOTES)).casefold()
    folded = " ".join(re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", folded).split())
    return folded.strip("\"' ").rstrip(".!").strip("\"' ")


def _grade(item: Item) -> Verdict:
    start = time.monotonic()
    answer = answer_part(item.text, item.finish_reason)
    if answer is None or item.finish_reason is FinishReason.LENGTH:
        wall_s = time.monotonic() - start
        return Verdict(Status.TRUNCATED, "", "extraction", Found.UNFINISHED.value, wall_s)
    boxed = final_answer(item.text, item.finish_reason)
    if boxed.found is Found.BOXED and boxed.answer is not None:
        answer = boxed.answer
    found = normalise_text(answer)
    if not found:
        wall_s = time.monotonic() - start
        return Verdict(Status.UNPARSABLE, "", "extraction", "no answer", wall_s)
    wanted = [normalise_text(gold) for gold in item.problem.gold.split(SEPARATOR)]
    status = Status.CORRECT if found in wanted else Status.INCORRECT
    detail = f"compared with {len(wanted)} alternatives" if len(wanted) > 1 else ""
    return Verdict(status, answer.strip()[:_KEPT_CHARS], "text", detail, time.monotonic() - start)
