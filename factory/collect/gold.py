"""The gold check: a problem is admitted only if its grader accepts its own gold.

For mathematics, text and choices the gold is graded as if a response had given it; for code the
source's reference program runs against the tests in the sandbox. A problem of code without a
reference program cannot be checked: it is admitted and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.errors import GraderError
from factory.grade.contract import Item, Verdict
from factory.grade.registry import open_grader
from factory.grade.text import SEPARATOR
from factory.progress import progress
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.problem import GraderName, Problem
from schemas.recipe import Grade
from schemas.verdict import Status

_BATCH: Final = 256


def checkable(problem: Problem) -> bool:
    """Whether there is something that the grader must accept."""
    return problem.grader is not GraderName.CODE or bool(problem.solution.strip())


def rejected_golds(
    problems: Sequence[Problem], grade: Grade, machine: Machine
) -> dict[str, Verdict]:
    """Problem id -> what the grader found, for each problem whose gold it does not accept.

    Raises:
        GraderError, SandboxUnavailable: The machinery of a grader broke.
    """
    rejected: dict[str, Verdict] = {}
    todo = [problem for problem in problems if checkable(problem)]
    with progress("check gold", len(todo), "problems") as bar:
        for name in sorted({problem.grader for problem in todo}):
            mine = [problem for problem in todo if problem.grader is name]
            with open_grader(name, grade, machine) as grader:
                for first in range(0, len(mine), _BATCH):
                    batch = mine[first : first + _BATCH]
                    for problem, grading in zip(
                        batch, grader.grade_many([_as_item(one) for one in batch]), strict=True
                    ):
                        if grading.status is Status.INFRA:
                            raise GraderError(
                                f"gold of {problem.problem_id}: expected a verdict, found a "
                                f"failure of the machine ({grading.detail}); mend it and run again"
                            )
                        if grading.status is not Status.CORRECT:
                            rejected[problem.problem_id] = grading
                    bar.update(len(batch))
    return rejected


def _as_item(problem: Problem) -> Item:
    match problem.grader:
        case GraderName.CODE:
            text = f"```python\n{problem.solution}\n```"
        case GraderName.TEXT:
            text = problem.gold.partition(SEPARATOR)[0]
        case GraderName.MATH if "####" in problem.gold or "\\boxed" in problem.gold:
            text = problem.gold
        case _:
            text = f"\\boxed{{{problem.gold}}}"
    return Item(problem, text, FinishReason.STOP)
