"""The grader of numbers: what is read, what is near enough, and what is no number."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.number import NumberGrader
from factory.grade.number_text import number_spelling, read_gold, read_number
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeNumber
from schemas.verdict import Status
from tests.unit.grade.items import gold_verdict, verdict


def status(gold: str, text: str, **settings: object) -> Status:
    return verdict(NumberGrader(GradeNumber.model_validate(settings)), gold, text).status


def boxed(answer: str) -> str:
    return f"<think>hm</think>\n\\boxed{{{answer}}}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-3", "-3"),
        ("−3", "-3"),
        ("+3", "3"),
        (".5", "1/2"),
        ("5.", "5"),
        ("007", "7"),
        ("3/4", "3/4"),
        (r"-\frac{3}{4}", "-3/4"),
        (r"\dfrac{-3}{4}", "-3/4"),
        ("1 1/2", "3/2"),
        (r"-1\frac{1}{2}", "-3/2"),
        ("1.5e-3", "3/2000"),
        (r"$1.5 \times 10^{-3}$", "3/2000"),
        ("2*10^3", "2000"),
        ("10^5", "100000"),
        ("1,234,567.5", "2469135/2"),
        ("1{,}234", "1234"),
        (r"1\,234\,567", "1234567"),
        ("50%", "1/2"),
        (r"12.5\%", "1/8"),
        ("≈ 3.14", "157/50"),
        (r"\(-0\)", "0"),
    ],
)
def test_a_number_is_read_exactly_in_every_usual_form(text: str, value: str) -> None:
    number = read_number(text)
    assert number is not None and number.value == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "--5", "+-5", "1..2", "1,23", "0,123", "12,34", "1.234,5", "1,2345", "1,234,56"),
        *("1 234", "1_000", "0x10", "２", "1/0", r"\frac{1}{0}", r"\frac12", "3 4/3", "2 10^3"),
        *("e5", "5e", "1e401", "10^401", "10^{99999}", "9" * 201, "5 km", "$5 and $6", "x = 5"),
        *("inf", "nan", "∞", "pi", r"\sqrt{4}", "2+3", "2^3", "4:30", "3 ± 1", "five", "5\n6"),
        "__import__('os').remove('/')",
    ],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_number(text)
    read_gold(text)
    assert number_spelling(text) == number_spelling(f" {text} ")


@given(st.fractions(max_denominator=10**9))
def test_a_fraction_is_read_as_it_is_written(value: Fraction) -> None:
    number = read_number(str(value))
    assert number is not None and number.value == value


def test_an_answer_is_right_within_the_relative_tolerance_of_the_gold() -> None:
    assert status("1000000", boxed("1000001")) is Status.CORRECT
    assert status("1000000", boxed("1000001.1")) is Status.INCORRECT
    assert status("3.14159", boxed("3.14")) is Status.INCORRECT
    assert status("3.14159", boxed("3.14"), relative=0.001) is Status.CORRECT
    assert status("1e-9", boxed("2e-9")) is Status.INCORRECT
    assert status("0", boxed("0.0000001")) is Status.INCORRECT


def test_an_answer_is_right_within_the_absolute_tolerance_where_that_is_wider() -> None:
    assert status("0", boxed("0.01"), absolute=0.01) is Status.CORRECT
    assert status("0", boxed("0.0101"), absolute=0.01) is Status.INCORRECT


def test_a_bound_is_met_exactly_and_not_as_floats_meet_it() -> None:
    assert 0.3 - 0.2 != 0.1
    assert status("0.2", boxed("0.3"), absolute=0.1, relative=0) is Status.CORRECT
    assert status("0.3 ± 0.1", boxed("0.2")) is Status.CORRECT
    assert status("0.3 ± 0.1", boxed("0.1999999999999999999999")) is Status.INCORRECT


def test_the_tolerance_of_a_gold_replaces_those_of_the_recipe() -> None:
    assert status("3.14 ± 0.01", boxed("3.149")) is Status.CORRECT
    assert status(r"$3.14 \pm 0.01$", boxed("3.151"), absolute=5) is Status.INCORRECT
    assert status("100 ± 5%", boxed("95")) is Status.CORRECT
    assert status("100 ± 5%", boxed("94.9")) is Status.INCORRECT
    assert status("50% ± 2", boxed("52%")) is Status.CORRECT
    assert status("50% ± 2", boxed("0.53")) is Status.INCORRECT


def test_a_missing_percent_sign_is_forgiven_only_where_the_recipe_says_so() -> None:
    assert status("50%", boxed("0.5")) is Status.CORRECT
    assert status("50%", boxed("50")) is Status.INCORRECT
    assert status("50%", boxed("50"), percent="either") is Status.CORRECT
    assert status("50", boxed(r"50\%"), percent="either") is Status.CORRECT
    assert status("50%", boxed("5000%"), percent="either") is Status.INCORRECT


def test_only_the_final_answer_counts() -> None:
    assert status("5", "<think>\\boxed{5}</think>\n\\boxed{6}") is Status.INCORRECT
    assert status("5", "The answer is 5.") is Status.CORRECT
    assert status("5", "So:\n\n**5**") is Status.CORRECT
    assert status("5", "**Answer:** 5") is Status.CORRECT
    assert status("5", "Answer:\n5") is Status.CORRECT
    assert status("5", "The answer is $5$.") is Status.CORRECT
    assert status("5", "The answer is 4. No, the answer is 5. Done") is Status.CORRECT
    assert status("1500", "The answer is 1.5 × 10^3.") is Status.CORRECT
    assert status("5", "答案是5。") is Status.CORRECT
    assert status("5", "정답은 5입니다.") is Status.CORRECT
    assert status("5", "#### 5") is Status.CORRECT
    assert status("5", "I tried 5 and gave up") is Status.UNPARSABLE
    assert status("5", "<think>hm</think> there are 5 apples, I think") is Status.UNPARSABLE
    assert status("5", boxed("5 ± 1")) is Status.UNPARSABLE
    assert status("5", boxed("5 km")) is Status.UNPARSABLE
    assert status("5", "\\boxed{5") is Status.UNPARSABLE
    assert status("5", "<think>5") is Status.TRUNCATED
    cut = verdict(NumberGrader(GradeNumber()), "5", "the next is", FinishReason.LENGTH)
    assert cut.status is Status.TRUNCATED


@pytest.mark.parametrize(
    "text",
    [
        "The answer is between 5 and 6",
        "The answer is not 5 but 6.",
        "The answer is 5 or 6.",
        "The answer is 5, or 6",
        "Answer: x = 5",
        "Step 5",
        "\\boxed{6} but the answer is 5",
        "The answer is 6.\n5",
    ],
)
def test_where_a_number_is_in_doubt_it_earns_nothing(text: str) -> None:
    assert status("5", text) is not Status.CORRECT


@pytest.mark.parametrize(
    "text",
    [
        *("The answer is 42?", "Answer:\n42?", "If the answer is 42", "I doubt the answer is 42."),
        *("The wrong answer is: 42", "오답은 42", "The first answer is 42"),
        *(
            "The answer is 42. No wait, 43.",
            "Answer: 42\nNo: 43",
            "The answer is 42\n\nActually 43",
        ),
        *(
            "The answer is 42. That is wrong.",
            "\\boxed{42} is wrong",
            "\\boxed{42}. Wait, it is 43",
        ),
        *("\\boxed{41} or \\boxed{42}", "\\boxed{42}, no, the answer is 43"),
        *("\\boxed{42}. But the answer is 43.", "\\boxed{x + 1 = 42}", "정답은 42가 아닙니다"),
    ],
)
def test_a_number_that_is_asked_supposed_denied_or_corrected_earns_nothing(text: str) -> None:
    assert status("42", text) is Status.UNPARSABLE


@pytest.mark.parametrize(
    "text", ["5!", "The answer is 5!", "- 5", "So:\n- 5", "Answer:\n- 5", "5. 6"]
)
def test_a_factorial_and_an_item_of_a_list_are_no_number(text: str) -> None:
    assert status("5", text) is Status.UNPARSABLE
    assert status("-5", text) is Status.UNPARSABLE


@pytest.mark.parametrize(
    "text",
    [
        *("정답은 **42**입니다.", "Answer: `42`", 'The answer is "42".', "The answer is “42”."),
        *("\\boxed{\\text{42}}", "\\boxed{\\mathbf{42}}", "\\boxed{x = 42}", "\\boxed{x_1=42}"),
        *(
            "The answer is approximately 42",
            "Answer: $\\mathbf{42}$",
            "\\boxed{42}. I hope it helps!",
        ),
        *("\\boxed{42}\n\nThe answer is 42.", "If the answer is 3, no. So the answer is 42."),
    ],
)
def test_a_number_may_stand_in_quotes_fonts_and_behind_its_name(text: str) -> None:
    assert status("42", text) is Status.CORRECT


@pytest.mark.parametrize(
    "text", ["The answer is 42'", 'The answer is 42"', "\\boxed{\\text{4}{2}}"]
)
def test_marks_that_are_not_a_pair_are_not_taken_off(text: str) -> None:
    assert status("42", text) is Status.UNPARSABLE


@pytest.mark.parametrize(
    "piece",
    ["answer is ", "\\boxed{", "(", "*", "wait ", "no", "- ", "`", "\\text{", " ", "答案是1"],
)
def test_a_hostile_text_of_a_million_characters_is_no_right_answer(piece: str) -> None:
    """Work that grows with the square of the length would not end here."""
    assert status("42", piece * (1_000_000 // len(piece))) is not Status.CORRECT


@pytest.mark.parametrize("gold", ["5", "-1/3", "3.14 ± 0.01", "50% ± 2", "1e300", "1,000"])
def test_a_gold_grades_itself_correct(gold: str) -> None:
    assert gold_verdict(NumberGrader(GradeNumber()), gold).status is Status.CORRECT


@pytest.mark.parametrize("gold", ["five", "", "3 ± -1", "3 ±", "5 km"])
def test_a_gold_that_is_no_number_is_evidence_and_never_correct(gold: str) -> None:
    assert gold_verdict(NumberGrader(GradeNumber()), gold).status is not Status.CORRECT
    found = verdict(NumberGrader(GradeNumber()), gold, boxed("5"))
    assert (found.status, found.method) == (Status.ERROR, "gold")


def test_equal_numbers_are_one_vote() -> None:
    assert number_spelling("0.5") == number_spelling("1/2") == number_spelling("50%")
    assert number_spelling(" no number ") == "no number"
