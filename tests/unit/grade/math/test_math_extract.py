"""Which part of a response is its final answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.grade.math import MathGrader, grade
from factory.grade.math.compare import settle
from factory.grade.math.extract import Found, final_answer
from factory.grade.math.grader import gold_answer
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.verdict import Status

STOP, LENGTH = FinishReason.STOP, FinishReason.LENGTH


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        (r"so \boxed{1} and then \boxed{\frac{1}{2}}.", r"\frac{1}{2}", Found.BOXED),
        (r"<think>\boxed{3}</think> It is \boxed{4}.", "4", Found.BOXED),
        (r"<think>maybe \boxed{3}</think> It is 7.", "7", Found.LAST_NUMBER),
        (r"\boxed{\text{a } \{1, 2\}}", r"\text{a } \{1, 2\}", Found.BOXED),
        (r"\fbox{5}", "5", Found.BOXED),
        (r"\boxed 5 is it", "5", Found.BOXED),
        ("3 + 4 = 7\n#### 7", "7", Found.STATED),
        ("#### Step 1\nadd 3 and 4\nto get 7.", "7", Found.LAST_NUMBER),
        ("The answer is 42.", "42", Found.STATED),
        ("The answer is $\\frac{3}{4}$, which is less than 1.", r"\frac{3}{4}", Found.STATED),
        ("Q: how many?\nA: 12\n", "12", Found.STATED),
        ("**Answer:** 1,234", "1,234", Found.STATED),
        ("The answer is that she has 5 apples left now.", "5", Found.STATED),
        ("She pays 3 * 4 = 12 dollars", "12", Found.LAST_NUMBER),
        ("between 3-5", "5", Found.LAST_NUMBER),
        ("it falls to -5", "-5", Found.LAST_NUMBER),
        ("the share is 3/4", "3/4", Found.LAST_NUMBER),
    ],
)
def test_the_final_answer_is_found_where_it_stands(text: str, answer: str, found: Found) -> None:
    extraction = final_answer(text)
    assert (extraction.answer, extraction.found) == (answer, found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"It is 4, so \boxed{4", Found.UNCLOSED_BOX),
        (r"first \boxed{4} then \boxed{5", Found.UNCLOSED_BOX),
        (r"<think>It must be \boxed{4}", Found.UNFINISHED),
        ("I do not know.", Found.NOTHING),
        ("", Found.NOTHING),
    ],
)
def test_an_unclosed_box_and_unfinished_thinking_earn_nothing(text: str, found: Found) -> None:
    extraction = final_answer(text)
    assert extraction.answer is None and extraction.found is found


def test_a_cut_completion_is_truncated_unless_its_box_was_closed() -> None:
    def status(text: str, reason: FinishReason) -> Status:
        return grade("12", text, finish_reason=reason).status

    assert status("<think>hm, 12", STOP) is Status.TRUNCATED
    assert status("<think>hm</think>so far 12", LENGTH) is Status.TRUNCATED
    assert status("<think>hm</think>The answer is 12", LENGTH) is Status.TRUNCATED
    assert status("<think>hm</think>\\boxed{12}, because", LENGTH) is Status.CORRECT
    assert status("<think>hm</think>\\boxed{12", LENGTH) is Status.TRUNCATED
    assert status("<think>hm</think>\\boxed{12", STOP) is Status.UNPARSABLE


def test_a_gold_may_be_a_whole_worked_solution() -> None:
    assert gold_answer("3 + 4 = 7\n#### 7") == "7"
    assert gold_answer(r"Thus \boxed{1} and \boxed{x+1}.") == "x+1"
    assert gold_answer(" 1/2 ") == "1/2"


marked = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["\\boxed{", "}", "{", "<think>", "</think>", "####", "answer is ", "A: ", "$", "\\(",
             "\\frac", "1,000", "-", ".", "\n", "\\text{", "\\begin{pmatrix}", "&",
             "\\\\", "^", "_"]
        ),
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=1000)
@given(marked, st.sampled_from(list(FinishReason)))
def test_extraction_and_the_cheap_tiers_never_raise_on_any_text(
    text: str, reason: FinishReason
) -> None:
    extraction = final_answer(text, reason)
    settle("5", extraction.answer or "")
    settle(text, text)
    settle(text, "5")


@pytest.mark.parametrize(
    "text",
    ["{" * 200_000, "\\boxed{" * 30_000, "\\boxed{" * 30_000 + "}" * 30_000, "####" * 50_000,
     "answer is " * 20_000, "\nA:" * 60_000, "1,111" * 50_000, "$" * 200_000, "-" * 200_000,
     "\\frac{" * 40_000, "answer **** " * 20_000, "\\boxed{" + "7" * 1_000_000 + "}",
     "\\boxed{" + "(" * 100_000 + ")" * 100_000 + "}", "<think>" * 30_000,
     "\\boxed{" + "{}" * 4_000 + "}", "\\boxed{" + "\\text{a}" * 1_200 + "}"],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_long_hostile_responses_are_settled_at_once(text: str) -> None:
    with MathGrader(GradeMath(), workers=1) as grader:
        grading = grader.grade_texts([("5", text, STOP)])[0]
    assert grading.status in (Status.UNPARSABLE, Status.INCORRECT, Status.TRUNCATED)
    assert grading.wall_s < 10
