"""What every grader is given and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from schemas.candidate import FinishReason
from schemas.problem import Problem
from schemas.verdict import Status


@dataclass(frozen=True)
class Item:
    """One thing to grade."""

    problem: Problem
    text: str
    """The whole completion, with its reasoning inline where it has one."""
    finish_reason: FinishReason


@dataclass(frozen=True)
class Verdict:
    """What a grader found; with the ids of its candidate it is a `CandidateVerdict`."""

    status: Status
    extracted: str
    method: str
    detail: str
    wall_s: float
    passed: int | None = None
    total: int | None = None


class Grader(Protocol):
    """A grader. A context manager: it may hold worker processes or containers while open."""

    def __enter__(self) -> Grader: ...

    def __exit__(self, *exc: object) -> None: ...

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One grading per item, in the order of the items.

        A grader that runs programs is asked from several threads at once. No item, however bad,
        raises: it is data. A broken machine (a worker that cannot be started, no Docker engine)
        raises `GraderError` or `SandboxUnavailable`.
        """
        ...


@runtime_checkable
class AnswersGold(Protocol):
    """A grader that says itself what the gold check grades; others get the gold in a box."""

    def gold_answer(self, problem: Problem) -> str | None:
        """A completion that must be graded correct; None where there is nothing to check.

        Called before the grader is entered. No gold, however bad, raises: one that cannot be read
        is graded as it stands, and so rejected.
        """
        ...


def boxed_gold(problem: Problem) -> str:
    """A completion that answers with the gold: in a box, where the gold is not marked already."""
    marked = "####" in problem.gold or "\\boxed" in problem.gold
    return problem.gold if marked else f"\\boxed{{{problem.gold}}}"


def answer_part(text: str, finish_reason: FinishReason) -> str | None:
    """The part of a completion that may hold the final answer; None where thinking never closed.

    That is what follows the last `</think>`; a completion without any `<think>` is all answer.
    A completion that was cut (`length`) still counts if its thinking closed: whether a final
    answer is there is for the grader to see.
    """
    head, closed, tail = text.rpartition("</think>")
    if closed:
        return tail
    return None if "<think>" in head or "<think>" in text else text
