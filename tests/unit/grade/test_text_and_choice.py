"""The graders of plain text and of multiple choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.choice import ChoiceGrader, final_letter
from factory.grade.contract import Item
from factory.grade.registry import open_grader
from factory.grade.text import TextGrader, normalise_text
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.problem import Domain, GraderName, Problem
from schemas.recipe import Grade
from schemas.verdict import Status


def item(gold: str, text: str, grader: GraderName, reason: FinishReason) -> Item:
    problem = Problem(
        problem_id="s/0",
        statement="?",
        gold=gold,
        grader=grader,
        domain=Domain.GENERAL,
        source="s",
        license="MIT",
        category="",
        level="",
        reasoning=False,
        solution="",
    )
    return Item(problem, text, reason)


def text_status(gold: str, text: str, reason: FinishReason = FinishReason.STOP) -> Status:
    with TextGrader() as grader:
        return grader.grade_many([item(gold, text, GraderName.TEXT, reason)])[0].status


def choice_status(gold: str, text: str, reason: FinishReason = FinishReason.STOP) -> Status:
    with ChoiceGrader() as grader:
        return grader.grade_many([item(gold, text, GraderName.CHOICE, reason)])[0].status


def test_text_is_equal_in_any_case_spacing_and_emphasis() -> None:
    assert text_status("The capital is Paris.", "  the capital\nis **Paris**") is Status.CORRECT
    assert text_status("Paris", "<think>London?</think>\nParis.") is Status.CORRECT
    assert text_status("Paris", "It is Paris") is Status.INCORRECT
    assert text_status("don't", "don’t") is Status.CORRECT


def test_any_alternative_of_the_gold_will_do() -> None:
    assert text_status("yes ||| of course", "Of course!") is Status.CORRECT
    assert text_status("yes ||| of course", "no") is Status.INCORRECT


def test_text_that_is_cut_or_missing_is_no_answer() -> None:
    assert text_status("Paris", "Paris", FinishReason.LENGTH) is Status.TRUNCATED
    assert text_status("Paris", "<think>Paris") is Status.TRUNCATED
    assert text_status("Paris", "<think>Paris</think>  ") is Status.UNPARSABLE


@given(st.text())
def test_normalised_text_stays_as_it_is_when_normalised_in_another_case(text: str) -> None:
    assert normalise_text(f"  {text}  ") == normalise_text(text)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        (r"so \boxed{B}", "B"),
        (r"so \boxed{\text{(B)}}", "B"),
        (r"\boxed{\mathbf{C}}", "C"),
        (r"\boxed{B) 25}", "B"),
        ("A is wrong, so the answer is (D).", "D"),
        ("**Answer: C**", "C"),
        ("The correct option is B.", "B"),
        ("<think>A? B?</think>E", "E"),
        ("(J)", "J"),
        ("Let me see.\n\n**B.**", "B"),
        ("A cat sat on the mat", None),
        ("The answer is Apple", None),
        (r"\boxed{B + C}", None),
        (r"\boxed{K}", None),
        (r"answer is B \boxed{", None),
        ("", None),
    ],
)
def test_the_final_letter_is_read_where_it_is_stated(text: str, letter: str | None) -> None:
    assert final_letter(text.rpartition("</think>")[2]) == letter


def test_choices_are_graded_by_their_final_letter() -> None:
    assert choice_status("B", r"<think>A</think>\boxed{B}") is Status.CORRECT
    assert choice_status("(b)", "The answer is B") is Status.CORRECT
    assert choice_status("B", "The answer is A") is Status.INCORRECT
    assert choice_status("B", "I think", FinishReason.LENGTH) is Status.TRUNCATED
    assert choice_status("B", "I think") is Status.UNPARSABLE


@given(st.text(max_size=200))
def test_a_final_letter_is_looked_for_in_any_text_without_an_error(text: str) -> None:
    assert final_letter(text) in (None, *"ABCDEFGHIJ")


def test_every_grader_that_needs_no_sandbox_opens_by_its_name() -> None:
    for name in set(GraderName) - {GraderName.CODE}:
        with open_grader(name, Grade(), Machine(workers=1)) as grader:
            assert grader.grade_many([]) == []
