"""The gold check: a problem is admitted only if its grader accepts its own gold.

What stands for the gold is for the grader to say (`gold_answer`): the gold as if a response had
given it, the source's reference program for code, a text in the wanted language. Where there is
nothing to grade (a program without a reference, a format) the problem is admitted and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from factory.errors import GraderError
from factory.grade.contract import AnswersGold, Grader, Item, Verdict, boxed_gold
from factory.grade.registry import open_grader
from factory.shown.progress import progress
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.verdict import Status

_BATCH: Final = 256


@dataclass(frozen=True)
class GoldCheck:
    """What the graders found."""

    rejected: dict[str, Verdict]
    """Problem id -> verdict, for each problem whose gold is not accepted."""
    unchecked: int
    """Problems with nothing to check."""


def check_golds(problems: Sequence[Problem], grade: Grade, machine: Machine) -> GoldCheck:
    """Every problem's gold before its own grader.

    Raises:
        GraderError, SandboxUnavailable: The machinery of a grader broke.
    """
    rejected: dict[str, Verdict] = {}
    unchecked = 0
    with progress("check gold", len(problems), "problems") as bar:
        for name in sorted({problem.grader for problem in problems}):
            mine = [problem for problem in problems if problem.grader == name]
            grader = open_grader(name, grade, machine)
            items = [item for problem in mine if (item := _as_item(grader, problem))]
            unchecked += len(mine) - len(items)
            bar.update(len(mine) - len(items))
            if not items:
                continue
            with grader as entered:
                for first in range(0, len(items), _BATCH):
                    batch = items[first : first + _BATCH]
                    for item, verdict in zip(batch, entered.grade_many(batch), strict=True):
                        if _is_rejected(item, verdict):
                            rejected[item.problem.problem_id] = verdict
                    bar.update(len(batch))
    return GoldCheck(rejected, unchecked)


def _is_rejected(item: Item, verdict: Verdict) -> bool:
    if verdict.status is Status.INFRA:
        raise GraderError(
            f"gold of {item.problem.problem_id}: expected a verdict, found a failure of the "
            f"machine ({verdict.detail}); mend it and run again"
        )
    return verdict.status is not Status.CORRECT


def _as_item(grader: Grader, problem: Problem) -> Item | None:
    own = isinstance(grader, AnswersGold)
    text = grader.gold_answer(problem) if own else boxed_gold(problem)
    return None if text is None else Item(problem, text, FinishReason.STOP)
