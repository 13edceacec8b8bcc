"""A grader for Retort: the answer is the letters of the gold in ascending order.

The gold is a word, `retort`; the answer that is right is `eorrtt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from factory.grade.contract import Item, Verdict, answer_part
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.verdict import Status


def sorted_letters(settings: Mapping[str, Any], machine: Machine) -> SortedLetters:
    """The grader, for the settings of `[grade.extra.sorted-letters]`."""
    unknown = sorted(set(settings) - {"any_case"})
    if unknown:
        raise ValueError(f"expected the setting any_case, found {', '.join(unknown)}")
    return SortedLetters(any_case=bool(settings.get("any_case", False)))


class SortedLetters:
    """Equality of the answer with the sorted letters of the gold."""

    def __init__(self, *, any_case: bool) -> None:
        self._any_case = any_case

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item, in the order of the items; no item raises."""
        return [self._grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> str:
        """What a right response says: the gold check grades it."""
        return self._sorted(problem.gold)

    def _sorted(self, word: str) -> str:
        return "".join(sorted(self._folded(word)))

    def _folded(self, word: str) -> str:
        return word.lower() if self._any_case else word

    def _grade(self, item: Item) -> Verdict:
        answer = answer_part(item.text, item.finish_reason)
        if answer is None or item.finish_reason is FinishReason.LENGTH:
            return Verdict(Status.TRUNCATED, "", "extraction", "cut", 0.0)
        found = answer.strip()
        if not found.isalpha():
            return Verdict(Status.UNPARSABLE, "", "extraction", "no single word", 0.0)
        right = self._folded(found) == self._sorted(item.problem.gold)
        status = Status.CORRECT if right else Status.INCORRECT
        return Verdict(status, found, "sorted-letters", "", 0.0)
