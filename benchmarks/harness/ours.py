"""Our verdicts on stored responses, by the graders that validation uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory.collect.sources import iter_problems
from factory.grade.contract import Item
from factory.grade.registry import open_grader
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.recipe import Grade, Suite
from schemas.verdict import Status

from .stored import Response


@dataclass(frozen=True)
class Verdict:
    """What we found."""

    correct: bool
    status: str
    extracted: str


def graded(responses: Sequence[Response], suite: str, machine: Machine) -> list[Verdict]:
    """Verdicts on responses to a suite that is known by name, in their order."""
    (source,) = Suite.model_validate({"name": suite}).sources
    problems = list(iter_problems(source, None, machine))
    items = [
        Item(
            problems[one.problem],
            one.text,
            FinishReason.LENGTH if one.cut else FinishReason.STOP,
        )
        for one in responses
    ]
    with open_grader(problems[0].grader, Grade(), machine) as grader:
        found = grader.grade_many(items)
    return [Verdict(one.status is Status.CORRECT, one.status.value, one.extracted) for one in found]
