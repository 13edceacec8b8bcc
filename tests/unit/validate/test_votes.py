"""Votes: answers that are equal share one, however they are spelled, and the gold has no part."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from factory.validate.metrics import Answer, Answers, majority
from factory.validate.votes import has_votes, votes_of
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName


def votes(*answers: str, grader: str = GraderName.MATH) -> list[str]:
    """The votes of the answers to one problem."""
    found = votes_of({"p": answers}, {"p": grader}, Grade(), Machine(workers=1))
    return [found["p"][one] for one in answers]


@pytest.mark.parametrize(
    "equal",
    [
        ["1/2", "0.5", "\\frac12", "\\frac{1}{2}", "$\\frac{2}{4}$", ".5"],
        ["2\\sqrt{2}", "\\sqrt{8}"],
        ["x^2+2x+1", "(x+1)^2", "1 + x(x + 2)"],
        ["\\sin^2 x + \\cos^2 x", "1"],
        ["1,000", "1000", "1000.0", "10^3"],
    ],
    ids=" ".join,
)
def test_answers_that_the_grader_calls_equal_are_one_vote(equal: list[str]) -> None:
    found = votes(*equal, "17")
    assert len(set(found[:-1])) == 1
    assert found[-1] not in found[:-1]


def test_the_order_of_answers_changes_no_vote() -> None:
    answers = ["0.5", "1/2", "3", "\\frac{6}{2}", "\\sqrt{9}", "3.0", "4"]
    forward = dict(zip(answers, votes(*answers), strict=True))
    backward = dict(zip(answers[::-1], votes(*answers[::-1]), strict=True))
    assert forward == backward
    assert len(set(forward.values())) == 3


def test_a_percentage_gathers_only_one_of_its_readings() -> None:
    found = votes("50%", "50%", "50", "0.5")
    assert found[0] != found[3] or found[0] != found[2]
    assert found[2] != found[3]


@pytest.mark.parametrize(
    ("grader", "one", "same", "other"),
    [
        (GraderName.CHOICE, "B", " B", "C"),
        (GraderName.TEXT, "Yes.", "yes", "no"),
        (GraderName.EXACT, "a b", "a b ", "A b"),
        (GraderName.NUMBER, "2.50", "2.5", "2.6"),
    ],
)
def test_answers_to_other_graders_are_equal_as_these_read_them(
    grader: str, one: str, same: str, other: str
) -> None:
    found = votes(one, same, other, grader=grader)
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    "grader", [GraderName.CODE, GraderName.FORMAT, GraderName.PROCEDURAL, "puzzles-of-a-package"]
)
def test_answers_that_cannot_be_compared_are_no_votes(grader: str) -> None:
    assert not has_votes(grader)


def test_a_right_answer_in_four_spellings_wins_against_a_wrong_one_in_one() -> None:
    given: Sequence[tuple[str, bool]] = [
        *[(one, True) for one in ("1/2", "0.5", "\\frac12", "\\frac{2}{4}")],
        *[("2", False)] * 3,
    ]
    named = votes(*(answer for answer, _ in given))
    answers = [Answer(right, name) for (_, right), name in zip(given, named, strict=True)]
    assert majority(Answers(7, answers, comparable=True), 7) == 1.0
    spelled = [Answer(right, answer) for answer, right in given]
    assert majority(Answers(7, spelled, comparable=True), 7) == 0.0, "by spelling alone it loses"
