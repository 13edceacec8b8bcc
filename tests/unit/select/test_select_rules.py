"""Each rule drops what it is for and keeps what only looks like it."""

from __future__ import annotations

import random

import pytest

from factory.select.found import Found
from factory.select.loops import loop_in
from factory.select.rules import RULES, Case, first_drop, trace_of
from factory.select.scripts import foreign_letters
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.recipe import Select
from schemas.sample import Drop

GOOD = "<think>\nTwo and two are four.\n</think>\n\nThe answer is \\boxed{4}."


def case(text: str, **fields: object) -> Case:
    defaults: dict[str, object] = {
        "statement": "What is 2 + 2?",
        "gold": "4",
        "domain": Domain.MATH,
        "reasoning": True,
        "finish_reason": FinishReason.STOP,
        "tokens": 12,
    }
    return Case(text=text, **(defaults | fields))  # type: ignore[arg-type]


def reason(text: str, select: Select | None = None, **fields: object) -> Drop | None:
    dropped = first_drop(case(text, **fields), select or Select())
    return dropped[0] if dropped else None


def evidence(found: Found | None) -> str:
    return found.evidence if found else ""


def loop(text: str) -> str:
    return evidence(loop_in(text))


def foreign(trace: str, told: str, gold: str) -> str:
    return evidence(foreign_letters(trace, told, gold))


def test_a_good_sample_passes_every_rule() -> None:
    assert reason(GOOD) is None


def test_every_rule_has_its_own_reason() -> None:
    reasons = [reason for reason, _ in RULES]
    assert len(set(reasons)) == len(reasons)


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 4.",
        "<think>never closed",
        "closed only</think>4",
        "<think>a</think>4<think>b</think>5",
        "<think> \n</think>4",
        "<think>a</think> \n",
        "first <think>a</think>4",
        "</think>a<think>4",
        "<think>a</think></think>4",
    ],
)
def test_bad_thinking_is_bad_format_in_a_reasoning_problem(text: str) -> None:
    assert reason(text) is Drop.BAD_FORMAT


def test_plain_problems_need_no_thinking_but_their_tags_must_match() -> None:
    assert reason("Hello there.", reasoning=False, domain=Domain.GENERAL) is None
    assert reason("<think>\n\n</think>\n\nHello.", reasoning=False) is None
    assert reason("<think>Hello.", reasoning=False) is Drop.BAD_FORMAT


def test_plain_chains_of_thought_pass_where_the_recipe_says_so() -> None:
    assert reason("Two and two are \\boxed{4}.", Select(require_think=False)) is None
    assert reason("<think>cut", Select(require_think=False)) is Drop.BAD_FORMAT


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("因此答案是四", "han 6"),
        ("x 或 y", "han 1"),
        ("значит, четыре", "cyrillic 12"),
        ("그래서 4", "hangul 3"),
        ("the Cyrillic а once", ""),
        ("ℵ_0, ∑_{i=1}^n α_i ≤ π², x ∈ ℝ, 30° and ½, naïve café", ""),
        ("\\alpha \\text{ and } \\Gamma(x), μ, Ω, 𝔸, 𝑥", ""),
    ],
)
def test_foreign_letters_are_named_and_mathematics_is_exempt(words: str, found: str) -> None:
    assert foreign(words, "What is 2 + 2?", "4") == found


def test_multilingual_prompts_are_exempt() -> None:
    assert foreign("우리는 덧셈을 한다", "2 더하기 2는?", "4") == ""
    assert foreign("因此", "二加二等于几？", "4") == ""
    assert foreign("greeting: 안녕하세요", "Translate to Korean: good day", "") == ""
    assert foreign("greeting: 你好", "Render the greeting in the target.", "你好") == ""
    assert foreign("但是 우리는", "2 더하기 2는?", "4") == "han 2"


def test_the_answer_may_be_foreign_but_the_trace_may_not() -> None:
    assert reason("<think>因此</think>4") is Drop.MIXED_LANGUAGE
    assert reason("<think>two and two</think>四") is None
    assert reason("<think>因此</think>4", Select(mixed_language=False)) is None


def test_a_long_paragraph_is_one_without_a_blank_line() -> None:
    sentence = " ".join(str(number) for number in range(400))
    select = Select(max_paragraph_chars=len(sentence))
    assert reason(f"<think>{sentence}\n\n{sentence}</think>4", select) is None
    assert reason(f"<think>{sentence}\n{sentence}</think>4", select) is Drop.LONG_PARAGRAPH


def test_code_blocks_are_dropped_in_mathematics_only() -> None:
    text = "<think>try\n```python\nprint(4)\n```\n</think>4"
    assert reason(text) is Drop.CODE_BLOCK
    assert reason(text, domain=Domain.CODE) is None
    assert reason(text, Select(code_block_in_math=False)) is None
    assert reason("<think>two and two</think>\n```\n4\n```") is None


def test_loops_are_found_in_the_middle_and_without_spaces() -> None:
    rng = random.Random(0)
    prose = " ".join(rng.choice(["one", "two", "then", "so", "we", "add"]) for _ in range(300))
    again = "Wait, let me check that again. " * 20
    assert "Wait, let me check that again." in loop(f"{prose} {again} {prose}")
    assert loop("哈" * 400)
    assert loop(prose) == ""


def test_a_loop_of_words_is_found_beside_a_longer_column_of_zeros() -> None:
    again = "so we get four " * 15
    assert loop(f"{'0 ' * 200} {again}") == '15 x "so we get four"'


def test_a_block_counts_from_eight_times_and_forty_eight_words() -> None:
    assert loop("one two three four five six " * 7) == ""
    assert loop("one two three four five six " * 8) == '8 x "one two three four five six"'
    assert loop("one two " * 23) == ""


def test_columns_of_zeros_and_rules_of_tables_are_no_loops() -> None:
    assert loop("0 " * 100) == ""
    assert loop("| --- " * 30) == ""
    assert loop("0 " * 300) != ""


def test_limits_of_length_are_in_tokens_and_in_characters() -> None:
    assert reason(GOOD, Select(max_tokens=11)) is Drop.TOO_LONG
    assert reason(GOOD, Select(max_tokens=12)) is None
    assert reason(GOOD, Select(max_tokens=11), tokens=None) is None
    assert reason(GOOD, Select(min_chars=len(GOOD) + 1)) is Drop.TOO_SHORT
    assert reason(GOOD, Select(min_chars=len(GOOD))) is None


def test_a_completion_that_was_cut_is_no_sample_even_if_correct() -> None:
    assert reason(GOOD, finish_reason=FinishReason.LENGTH) is Drop.TRUNCATED


def test_the_trace_is_what_stands_in_the_tags_or_everything() -> None:
    assert trace_of("<think>a</think>b") == "a"
    assert trace_of("<think>a") == "a"
    assert trace_of("a") == "a"
