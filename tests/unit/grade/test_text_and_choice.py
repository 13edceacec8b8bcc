"""The graders of plain text, normalised and exact, and of multiple choice."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.choice import ChoiceGrader, final_letter, gold_letter
from factory.grade.text import ExactGrader, TextGrader, normalise_text
from schemas.candidate import FinishReason
from schemas.verdict import Status
from tests.unit.grade.items import gold_verdict, verdict


def text_status(gold: str, text: str, reason: FinishReason = FinishReason.STOP) -> Status:
    return verdict(TextGrader(), gold, text, reason).status


def exact_status(gold: str, text: str, reason: FinishReason = FinishReason.STOP) -> Status:
    return verdict(ExactGrader(), gold, text, reason).status


def choice_status(gold: str, text: str, reason: FinishReason = FinishReason.STOP) -> Status:
    return verdict(ChoiceGrader(), gold, text, reason).status


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


def test_normalising_joins_no_texts_that_differ_in_meaning() -> None:
    assert text_status("25", "2⁵") is Status.INCORRECT
    assert text_status("H2O", "H₂O") is Status.INCORRECT
    assert text_status("23", "2*3") is Status.INCORRECT
    assert text_status("23", "*2*3*") is Status.INCORRECT
    assert text_status("snakecase", "snake_case") is Status.INCORRECT
    assert text_status("snake_case", "`snake_case`") is Status.CORRECT
    assert text_status("Paris", "***Paris***") is Status.CORRECT
    assert text_status("ﬁne １", "fine 1") is Status.CORRECT


def test_exact_text_is_equal_in_every_character_but_the_space_around() -> None:
    assert exact_status("def f():\n    pass", "<think>x</think>\n\ndef f():\n    pass\n") is (
        Status.CORRECT
    )
    assert exact_status("Paris", "\\boxed{Paris}") is Status.CORRECT
    assert exact_status("\\boxed{x}", "\\boxed{x}") is Status.CORRECT
    for wrong in ("paris", "Paris.", "**Paris**", "It is Paris", "Ｐaris", "\\boxed{Paris"):
        assert exact_status("Paris", wrong) is Status.INCORRECT, wrong
    assert exact_status("é", "e\u0301") is Status.INCORRECT
    assert exact_status("a\nb", "a\r\nb") is Status.INCORRECT


def test_exact_text_that_is_cut_or_missing_is_no_answer() -> None:
    assert exact_status("Paris", "Paris", FinishReason.LENGTH) is Status.TRUNCATED
    assert exact_status("Paris", "<think>Paris") is Status.TRUNCATED
    assert exact_status("Paris", "<think>Paris</think>  ") is Status.UNPARSABLE
    assert exact_status("", "anything") is Status.INCORRECT


@pytest.mark.parametrize("gold", ["Paris", "yes ||| of course", "\\boxed{x}", "a  b"])
def test_golds_of_texts_grade_themselves_correct(gold: str) -> None:
    assert "boxed" in gold or gold_verdict(TextGrader(), gold).status is Status.CORRECT
    assert gold_verdict(ExactGrader(), gold).status is Status.CORRECT


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
        ("Answer:\nB", "B"),
        ("Since A is wrong, the answer is B.", "B"),
        ("It is not hard to see that the answer is B", "B"),
        ("The answer is B. A is the mean.", "B"),
        ("The answer is A because of C", "A"),
        ("答案是B。", "B"),
        ("答案：（C）", "C"),
        ("정답은 D입니다", "D"),
        (r"\boxed{B) A train}", "B"),
    ],
)
def test_the_final_letter_is_read_where_it_is_stated(text: str, letter: str | None) -> None:
    assert final_letter(text.rpartition("</think>")[2]) == letter


@pytest.mark.parametrize(
    "text",
    [
        "Option C is wrong",
        "I would choose between B and C",
        "The answer is A cat",
        "The answer is I think B",
        "The answer is A or B",
        "Answer: A, B",
        "The answer is A/B",
        "The answer is (A)(B)",
        "The answer is (A), not (B)",
        r"\boxed{A, B}",
        r"\boxed{A) or B)}",
        r"\boxed{AB}",
        r"\boxed{b}",
        "The answer is not A",
        "If the answer is A, then 2 = 3",
        "It is wrong that the answer is A",
        "I doubt that the answer is A",
        "The answer is A?",
        "The answer is B? No, C.",
        "Answer: A = 5",
        r"\boxed{A} Actually the answer is B.",
        "The answer is A\nB",
    ],
)
def test_where_a_letter_is_in_doubt_there_is_none(text: str) -> None:
    assert final_letter(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("The answer is B is wrong.", "Answer: B is incorrect.", "The answer is: B is false"),
        *(
            "정답은 B가 아닙니다",
            "정답은 B가 아니다",
            "答案是B吗",
            "答案是B？",
            "The answer is B. That is wrong.",
        ),
        *("\\boxed{B} is wrong", "\\boxed{B}\nNo wait. It is actually C."),
    ],
)
def test_a_letter_that_is_taken_back_at_once_is_none(text: str) -> None:
    assert final_letter(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "The answer is B. Wait, no, it is C.",
            "Answer: B\n\nActually, C.",
            "The answer is B, no, C",
        ),
        *("The answer is B. Hmm, the answer is none of these.", "Answer: B\nAnswer: none of these"),
        *("I think the answer is B but the answer is actually (c).", "Answer: B\nCorrection: C"),
        *("The answer is B. Just kidding, C", "The answer is B. The answer is not B."),
    ],
)
def test_a_letter_that_is_corrected_later_is_none(text: str) -> None:
    assert final_letter(text) is None


@pytest.mark.parametrize(
    "rest",
    [
        *(
            "; C",
            " - C",
            "–D",
            "−C",
            " -- no, C",
            "—no, C.",
            " to D",
            " through D",
            " plus D",
            " (or C)",
        ),
        *(
            " ... C",
            "… or C",
            "还是C",
            ",\nor C",
            ") 25, C) 30",
            " except for x",
            " only when x = 1",
        ),
        *(" unless x=2", " if x=0", "; otherwise C", ", but that is not certain; I choose C"),
    ],
)
def test_two_letters_a_range_and_a_condition_are_no_letter(rest: str) -> None:
    assert final_letter(f"The answer is B{rest}") is None


@pytest.mark.parametrize(
    "text",
    [
        *(r"The answer is $B \cap C$", r"The answer is $B\cdot C$", r"\boxed{B) 25, C) 30}"),
        *(r"\boxed{A} or \boxed{B}", r"\boxed{B. 25 or C. 30}"),
        *("the least likely answer is B", "The worst choice is B", "the first option is B"),
        *("Every answer is B", "Student says the answer is B", "오답은 B", "错误的答案是B"),
        *("Options:\nA) 1\nB) 25", "A\nB", "A. Cats\n**B. Dogs**", "B) is wrong", "E. coli", "B'"),
        *("The answer is B'", "Answer: B<C", r"\boxed{B'}"),
    ],
)
def test_sets_lists_and_statements_about_something_else_are_no_letter(text: str) -> None:
    assert final_letter(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *('The answer is "B"', "The answer is 'B'.", "The answer is “B”", "The answer is `B`."),
        *(
            "답은 B입니다.",
            "故选B",
            "故选 B。",
            "<answer>B</answer>",
            "B) 25",
            "**B. Photosynthesis**",
        ),
        *(
            r"\boxed{\text{Option B}}",
            r"\boxed{\;B\;}",
            r"\boxed{\bf B}",
            r"\boxed{\textbf{(B) } 25}",
        ),
        *(
            r"\boxed{\text{B) Vitamin C}}",
            r"\boxed{B. \text{Option C is wrong}}",
            "Answer: **B) 25**",
        ),
        *("Answer: B. Because A is wrong and C is wrong.", "The answer is B, since A and C fail."),
        *(
            "The answer is B, because A is false.",
            "The answer is B - 25",
            "The answer is B. Is that clear?",
        ),
        *("The answer is B. None of the others fits.", "The answer is B. They wait 5 minutes."),
        *("The answer is B.  C is wrong because", "Answer: B\n\nExplanation: A is wrong; C too."),
        *(
            "The answer is B. If the answer were C, x = 2.",
            r"$\boxed{\text{B}}$. I hope it is correct.",
        ),
        "The correct answer is:\n\n**B) 25**",
    ],
)
def test_an_honest_letter_is_read_in_its_usual_dress(text: str) -> None:
    assert final_letter(text) == "B"


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "answer is B",
            "answer: ",
            "(",
            "B(",
            "*",
            " ",
            "...",
            "no ",
            "- ",
            "\\text{",
            "\\boxed{",
            "Option ",
        ),
        *("wait ", "B) ", "`", "답은 B", "\\;", "A\n"),
    ],
)
def test_a_hostile_text_of_a_hundred_thousand_characters_is_read_quickly(piece: str) -> None:
    start = time.process_time()
    long = piece * (100_000 // len(piece))
    for text in (long, f"The answer is B{long}", f"\\boxed{{B{long}}}", f"\\boxed{{B}}{long}"):
        final_letter(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "text",
    [
        "The answer is A. Wait, the answer is B.",
        r"\boxed{A}. I made a mistake. \boxed{B}",
        "The answer is A. If the answer is C, then 2 = 3. The answer is B.",
    ],
)
def test_a_later_final_letter_corrects_an_earlier_one(text: str) -> None:
    assert final_letter(text) == "B"


@pytest.mark.parametrize("gold", ["B", "b", "(B)", "B)", "B.", "(b)", r"\text{(B)}", r"\textbf{B}"])
def test_a_gold_letter_may_have_its_marks(gold: str) -> None:
    assert gold_letter(gold) == "B"
    assert gold_verdict(ChoiceGrader(), gold).status is Status.CORRECT


@pytest.mark.parametrize("gold", ["", "K", "AB", "A B", "B) 25", "Paris"])
def test_another_gold_is_no_letter_and_grades_nothing_correct(gold: str) -> None:
    assert gold_letter(gold) is None
    assert choice_status(gold, "The answer is A") is Status.ERROR


def test_choices_are_graded_by_their_final_letter() -> None:
    assert choice_status("B", r"<think>A</think>\boxed{B}") is Status.CORRECT
    assert choice_status("(b)", "The answer is B") is Status.CORRECT
    assert choice_status("B", "The answer is A") is Status.INCORRECT
    assert choice_status("B", "I think", FinishReason.LENGTH) is Status.TRUNCATED
    assert choice_status("B", "I think") is Status.UNPARSABLE


@given(st.text(max_size=200))
def test_a_final_letter_is_looked_for_in_any_text_without_an_error(text: str) -> None:
    assert final_letter(text) in (None, *"ABCDEFGHIJ")
