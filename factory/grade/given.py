"""Grader of answers that came with their problem: only that answer passes, and unread.

It is correct because someone gave it, not because anything was checked, and its verdicts say so
(`method` is `given`). Covered: nobody else's text passes as given; an empty one is unparsable. Not
covered: whether the answer is any good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from factory.grade.contract import Item, Verdict
from schemas.problem import Problem
from schemas.verdict import Status


class GivenGrader:
    """Equality with the answer that is passed through."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [_grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> str | None:
        """None: there is nothing to check."""
        return None


def _grade(item: Item) -> Verdict:
    if not item.text.strip():
        return Verdict(Status.UNPARSABLE, "", "given", "the answer is empty", 0.0)
    if item.text != item.problem.solution:
        detail = "not the answer that came with the problem"
        return Verdict(Status.INCORRECT, "", "given", detail, 0.0)
    return Verdict(Status.CORRECT, "", "given", "", 0.0)
