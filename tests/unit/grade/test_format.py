"""The grader of form: each rule broken, and each form of a final answer."""

from __future__ import annotations

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.contract import Verdict
from factory.grade.format import FormatGrader
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeFormat
from schemas.verdict import Status
from tests.unit.grade.items import problem, verdict


def judged(text: str, answer: str = "boxed", reason: FinishReason = FinishReason.STOP) -> Verdict:
    settings = GradeFormat.model_validate({"answer": answer})
    return verdict(FormatGrader(settings), "", text, reason)


def test_a_completion_in_form_is_correct_whatever_it_answers() -> None:
    found = judged("<think>2+2</think>\nSo \\boxed{5}.")
    assert (found.status, found.extracted, found.detail) == (Status.CORRECT, "5", "")


def test_thinking_that_the_prompt_opened_need_not_be_opened() -> None:
    assert judged("2+2</think>\\boxed{4}").status is Status.CORRECT


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("\\boxed{4}", "expected </think> once, found 0"),
        ("<think>a</think>b</think>\\boxed{4}", "expected </think> once, found 2"),
        ("<think>a<think>b</think>\\boxed{4}", "expected <think> at most once, found 2"),
        ("a</think><think>\\boxed{4}", "expected <think> before </think>"),
        ("Hm. <think>a</think>\\boxed{4}", "expected nothing before <think>, found 'Hm.'"),
        ("<think> \n</think>\\boxed{4}", "expected some thinking"),
        ("<think>a</think> \n", "expected an answer after the thinking"),
        ("<think>\\boxed{4}</think>it is 4", "expected one \\boxed after the thinking, found 0"),
        ("<think>a</think>\\boxed{4} or \\boxed{5}", "expected one \\boxed"),
        ("<think>a</think>\\boxed{4", "expected a \\boxed that is closed"),
        ("<think>a</think>\\boxed{}", "expected a \\boxed that is closed and not empty"),
    ],
)
def test_the_first_rule_that_is_broken_is_named(text: str, rule: str) -> None:
    found = judged(text)
    assert (found.status, found.extracted) == (Status.INCORRECT, "")
    assert found.detail.startswith(rule)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("The answer is 4.", "4"),
        ("**Answer:** 4", "4"),
        ("So:\n#### 4", "4"),
        ("答案是4", "4"),
        ("정답은 4", "4"),
    ],
)
def test_one_statement_is_a_final_answer_where_the_recipe_says_so(answer: str, said: str) -> None:
    found = judged(f"<think>The answer is 3.</think>{answer}", "stated")
    assert (found.status, found.extracted) == (Status.CORRECT, said)


@pytest.mark.parametrize(
    "answer",
    [
        "It is 4.",
        "The answer is 4. No, the answer is 5.",
        "The answer is 4.\n#### 4",
        "The answer is",
    ],
)
def test_no_statement_two_or_an_empty_one_break_the_rule(answer: str) -> None:
    assert judged(f"<think>a</think>{answer}", "stated").status is Status.INCORRECT


@pytest.mark.parametrize("answer", ["Answer:\n5", "The answer is:\n\n 5 \n", "#### 5"])
def test_a_statement_may_go_on_below(answer: str) -> None:
    assert judged(f"<think>a</think>{answer}", "stated").extracted == "5"


def test_a_completion_that_repeats_itself_is_judged_in_little_memory() -> None:
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for form in ("boxed", "stated", "text"):
        judged("<think>a</think>" + "answer: " * 200_000, form)
        judged("<think>a</think>" + "\\boxed{" * 200_000, form)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun < 200 * 1024  # KiB


@pytest.mark.parametrize("box", [r"\boxed{\ }", r"\boxed{\text{}}", r"\boxed{ \quad }"])
def test_a_box_with_nothing_to_see_is_empty(box: str) -> None:
    assert judged(f"<think>a</think>{box}", "boxed").status is Status.INCORRECT


def test_any_text_is_a_final_answer_where_the_recipe_says_so() -> None:
    assert judged("<think>a</think>Hello!", "text").status is Status.CORRECT
    assert judged("<think>a</think>", "text").status is Status.INCORRECT


def test_what_was_cut_or_never_closed_is_truncated() -> None:
    assert judged("<think>a").status is Status.TRUNCATED
    assert judged("<think>a</think>\\boxed{4}", reason=FinishReason.LENGTH).status is (
        Status.TRUNCATED
    )


def test_there_is_no_gold_to_check() -> None:
    assert FormatGrader(GradeFormat()).gold_answer(problem("anything")) is None


@given(st.lists(st.sampled_from(["<think>", "</think>", "\\boxed{", "}", "answer is", "x", " "])))
def test_no_text_makes_it_raise_and_only_one_closing_tag_is_correct(pieces: list[str]) -> None:
    text = "".join(pieces)
    for answer in ("boxed", "stated", "text"):
        found = judged(text, answer)
        assert found.status is not Status.CORRECT or text.count("</think>") == 1
