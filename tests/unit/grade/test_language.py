"""The grader of language: English, Chinese, Korean and mixtures, around formulas and code."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.contract import Verdict
from factory.grade.language import LanguageGrader, read_wanted
from factory.grade.words import Language, words
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeLanguage
from schemas.verdict import Status
from tests.unit.grade.items import gold_verdict, verdict

EN = "First we add the two numbers and then we divide the sum by three, which gives the mean."
ZH = "首先我们把两个数加起来，然后再除以三，这样就得到了它们的平均值。"
KO = "먼저 두 수를 더한 다음 그 합을 셋으로 나누면 평균을 얻을 수 있습니다."
JA = "まず二つの数を足して、それから三で割ると平均が得られます。"
MATHS = r"$x_{1} + \text{where } y = \sin(x)$ and \[ \frac{a}{b} \quad \text{if } n > 0 \]"
CODE = "```python\nfor number in values:\n    total = total + number\nprint(total)\n```"


def judged(gold: str, text: str, **settings: float) -> Verdict:
    return verdict(LanguageGrader(GradeLanguage.model_validate(settings)), gold, text)


def of(trace: str, answer: str) -> str:
    return f"<think>{trace}</think>\n{answer}"


@pytest.mark.parametrize("wanted", ["en", "zh", "ko", "ja"])
@pytest.mark.parametrize(("found", "text"), [("en", EN), ("zh", ZH), ("ko", KO), ("ja", JA)])
def test_each_language_is_itself_and_no_other(wanted: str, found: str, text: str) -> None:
    expected = Status.CORRECT if wanted == found else Status.INCORRECT
    assert judged(wanted, of(text, text)).status is expected


@pytest.mark.parametrize(("gold", "text"), [("zh", ZH), ("ko", KO)])
def test_formulas_code_and_numbers_have_no_language(gold: str, text: str) -> None:
    around = f"{text} {MATHS} {CODE} 12345 x = 3y, f(x), ABC, GCD, sin(x) `values` {text}"
    assert judged(gold, of(around, f"{text} \\boxed{{\\frac{{1}}{{2}}}}")).status is Status.CORRECT


def test_trace_and_answer_may_be_wanted_in_different_languages() -> None:
    assert judged("trace=ko answer=en", of(KO, EN)).status is Status.CORRECT
    assert judged("trace=ko answer=en", of(KO, KO)).status is Status.INCORRECT
    assert judged("trace=ko answer=en", of(EN, EN)).detail.startswith("trace: expected ko")
    assert judged("answer=zh", of(EN, ZH)).status is Status.CORRECT
    assert judged("trace=zh", of(ZH, EN)).status is Status.CORRECT


def test_a_mixture_is_no_single_language_and_a_single_language_is_no_mixture() -> None:
    mixed = f"{EN} {KO}"
    assert judged("en", of(mixed, EN)).status is Status.INCORRECT
    assert judged("ko", of(mixed, KO)).status is Status.INCORRECT
    assert judged("trace=en+ko", of(mixed, EN)).status is Status.CORRECT
    assert judged("trace=en+ko", of(EN, EN)).status is Status.INCORRECT
    assert judged("trace=en+ko", of(f"{mixed} {ZH}", EN)).status is Status.INCORRECT


def test_a_few_foreign_words_are_borne_up_to_the_threshold() -> None:
    text = f"{KO} {KO} 이것을 average 라고 합니다."
    assert judged("ko", of(text, text)).status is Status.CORRECT
    assert judged("ko", of(text, text), min_share=0.99).status is Status.INCORRECT
    half = f"{KO} average value divided sum numbers"
    assert judged("ko", of(half, KO)).status is Status.INCORRECT


def test_a_part_that_is_only_a_formula_is_in_any_language_but_not_both() -> None:
    assert judged("ko", of(KO, r"\boxed{12}")).status is Status.CORRECT
    assert judged("ko", of("2+2=4", KO)).status is Status.CORRECT
    assert judged("ko", of("2+2=4", r"\boxed{4}")).status is Status.UNPARSABLE


def test_a_trace_that_the_gold_names_must_have_words() -> None:
    assert judged("trace=ko answer=en", of("2+2=4", EN)).status is Status.UNPARSABLE
    assert judged("trace=ko answer=en", EN).status is Status.UNPARSABLE


def test_a_completion_without_thinking_is_all_answer() -> None:
    assert judged("ko", KO).status is Status.CORRECT
    assert judged("ko", EN).status is Status.INCORRECT
    assert judged("ko", f"{KO}</think>{KO}").status is Status.CORRECT
    assert judged("ko", f"{EN}</think>{KO}").status is Status.INCORRECT


def test_a_short_foreign_answer_is_still_foreign() -> None:
    assert judged("ko", of(KO, "It is 5.")).status is Status.INCORRECT
    assert judged("en", of(EN, "是")).status is Status.INCORRECT


def test_alphabets_of_no_wanted_language_count_against_it() -> None:
    assert judged("en", of(EN, "Ответ равен пяти")).status is Status.INCORRECT
    assert words("Ответ равен") == {Language.OTHER: 2}
    assert words("α, β and Ш") == {Language.ENGLISH: 1}


def test_languages_that_share_a_script_are_not_told_apart() -> None:
    assert judged("en", "La réponse est la moyenne des trois nombres").status is Status.CORRECT


def test_what_was_cut_is_truncated() -> None:
    cut = verdict(LanguageGrader(GradeLanguage()), "ko", of(KO, KO), FinishReason.LENGTH)
    assert cut.status is Status.TRUNCATED
    assert judged("ko", f"<think>{KO}").status is Status.TRUNCATED


@pytest.mark.parametrize(
    "gold", ["en", "zh", "ko", "ja", "en+ko", "zh+en", "trace=ko answer=en", "answer=zh"]
)
def test_a_gold_that_can_be_read_accepts_a_text_in_its_languages(gold: str) -> None:
    assert gold_verdict(LanguageGrader(GradeLanguage()), gold).status is Status.CORRECT


def test_a_fence_that_is_never_closed_hides_no_words() -> None:
    text = f"{KO}\n```\n{EN * 60}"
    assert judged("ko", of(text, KO)).status is Status.INCORRECT


def test_what_stands_before_thinking_is_judged_with_it() -> None:
    assert judged("ko", EN * 5 + of(KO, KO)).status is Status.INCORRECT
    assert judged("ko", KO + of(KO, KO)).status is Status.CORRECT


@pytest.mark.parametrize(
    ("opening", "closing"), [("`", "`"), ("$", "$"), ("$$", "$$"), (r"\(", r"\)"), (r"\[", r"\]")]
)
def test_sentences_in_the_signs_of_code_or_a_formula_are_text(opening: str, closing: str) -> None:
    hidden = f"{KO} {opening}{EN}{closing}"
    assert judged("ko", of(hidden, KO)).status is Status.INCORRECT
    short = f"{opening}total + mean{closing}"
    assert judged("ko", of(f"{KO} {short} {short}", KO)).status is Status.CORRECT


@pytest.mark.parametrize("first", ["Ａａ", "𝐀𝐚", "Ⓐⓐ"])
def test_letters_in_another_dress_are_counted_as_the_plain_ones(first: str) -> None:
    dressed = "".join(
        chr(ord(first[letter.islower()]) + ord(letter.lower()) - ord("a"))
        if letter.isalpha()
        else letter
        for letter in EN
    )
    assert not dressed.isascii()
    assert words(dressed) == words(EN)
    assert judged("ko", of(f"{KO} {dressed}", KO)).status is Status.INCORRECT


@pytest.mark.parametrize(
    "gold", ["", "trace=koanswer=en", "fr", "korean", "en ko", "trace=", "other", "en+", "ja+zh"]
)
def test_a_gold_that_cannot_be_read_or_told_is_rejected(gold: str) -> None:
    assert gold_verdict(LanguageGrader(GradeLanguage()), gold).status is not Status.CORRECT


@given(st.text(max_size=100), st.text(max_size=100))
def test_no_gold_and_no_text_make_it_raise(gold: str, text: str) -> None:
    judged(gold, text)
    judged("en", text)
    assert read_wanted(f" {gold} ") == read_wanted(gold)


@pytest.mark.parametrize(
    "piece",
    [
        "\\[",
        "\\begin{a}",
        "$",
        "`",
        "$$x",
        "\\(",
        "```",
        "Ａ",
        "\u0300\u0316",
        "$a b c d$",
        "a'",
        "<a",
        "가",
    ],
)
def test_a_hostile_text_of_a_million_characters_takes_about_a_second(piece: str) -> None:
    start = time.process_time()
    words(piece * (1_000_000 // len(piece)))
    assert time.process_time() - start < 3
