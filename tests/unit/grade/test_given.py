"""Answers that came with their problem: that one passes, and nobody else's."""

from __future__ import annotations

import pytest

from factory.grade.contract import AnswersGold, Item
from factory.grade.registry import open_grader
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.verdict import Status
from tests.unit.grade.items import problem

ANSWER = "<think>\nWell.\n</think>\n\nHello there."


@pytest.mark.parametrize(
    ("text", "solution", "status"),
    [
        (ANSWER, ANSWER, Status.CORRECT),
        (f"{ANSWER} ", ANSWER, Status.INCORRECT),
        ("Hello there.", ANSWER, Status.INCORRECT),
        ("", ANSWER, Status.UNPARSABLE),
        (" \n", " \n", Status.UNPARSABLE),
        ("", "", Status.UNPARSABLE),
    ],
)
@pytest.mark.parametrize("reason", list(FinishReason))
def test_only_the_answer_that_was_given_is_correct(
    text: str, solution: str, status: Status, reason: FinishReason
) -> None:
    given = problem("", GraderName.GIVEN, solution)
    with open_grader("given", Grade(), Machine()) as grader:
        (verdict,) = grader.grade_many([Item(given, text, reason)])
    assert (verdict.status, verdict.method) == (status, "given")


def test_there_is_nothing_for_the_gold_check() -> None:
    grader = open_grader("given", Grade(), Machine())
    assert isinstance(grader, AnswersGold)
    assert grader.gold_answer(problem("", GraderName.GIVEN, ANSWER)) is None
