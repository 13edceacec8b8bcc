"""Each rule drops what it is for and keeps what only looks like it."""

from __future__ import annotations

import random

import pytest

from factory.select.found import Found
from factory.select.loops import loop_in, passage_in
from factory.select.rules import (
    RULES,
    Case,
    first_drop,
    long_paragraph,
    mixed_language,
    too_long,
    trace_of,
)
from factory.select.scripts import foreign_letters
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.sample import Drop
from schemas.select_settings import Select

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
    assert foreign("2個と2個で4個", "りんごはいくつですか", "4") == ""
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


ONLY_SAID = [
    "<think>The answer is 4.</think>\\boxed{4}",
    "<think>4</think>4",
    "<think>\n$x = \\boxed{4}$\n</think>\n\n4",
    "<think>Okay, so the final answer is clearly **4**.</think>\\boxed{4}",
    f"<think>{'The answer is 4. ' * 5}</think>\\boxed{{4}}",
    "<think>\n\n</think>The answer is \\boxed{4}.",
]


@pytest.mark.parametrize("text", ONLY_SAID)
def test_an_answer_that_is_only_said_is_without_work(text: str) -> None:
    assert reason(text, Select(require_think=False)) is Drop.WITHOUT_WORK
    assert reason(text, Select(require_think=False, without_work=False)) is None
    assert reason(text, reasoning=False) is None


@pytest.mark.parametrize(
    "text",
    [
        "<think>2 + 2 = 4</think>4",
        "<think>Two and two.</think>4",
        "<think>\\sqrt{16} = 4</think>4",
        "<think>It is even and between 3 and 5. So 4.</think>4",
        "<think></think>2 + 2 = 4, so the answer is 4.",
    ],
)
def test_a_step_however_short_is_work(text: str) -> None:
    assert reason(text, Select(require_think=False)) is None


def test_a_sentence_of_the_statement_with_its_answer_is_no_step() -> None:
    asked = {"statement": "How many apples has Ann?", "gold": "4"}
    assert reason("<think>Ann has 4 apples.</think>4", **asked) is Drop.WITHOUT_WORK
    assert reason("<think>Ann has 3 apples and 1 more.</think>4", **asked) is None
    logic = {"statement": "Ann says that Bob lies. Who lies?", "gold": "Bob"}
    assert reason("<think>Ann says so.\nAnn lies or Bob lies.</think>Bob", **logic) is None


def test_a_program_that_is_only_repeated_is_without_work() -> None:
    program = "```python\ndef f():\n    return 4\n```"
    code = {"domain": Domain.CODE, "gold": "{}"}
    assert reason(f"<think>{program}</think>{program}", **code) is Drop.WITHOUT_WORK
    assert reason(f"<think>Here is the code:</think>{program}", **code) is Drop.WITHOUT_WORK
    assert reason(f"<think>Return a constant. {program}</think>{program}", **code) is None


def test_what_the_teacher_was_told_beside_the_statement_is_at_home() -> None:
    text = "<think>我们算一算 2+2</think>4"
    assert reason(text) is Drop.MIXED_LANGUAGE
    assert reason(text, context="请用中文思考") is None
    assert reason(text, context="Think in Chinese.") is None


def test_latex_in_a_fence_is_no_code_and_a_statement_with_code_may_be_answered_so() -> None:
    fenced = "<think>so\n```{}\n2 + 2\n```\n</think>4"
    assert reason(fenced.format("latex")) is None
    assert reason(fenced.format("math")) is None
    assert reason(fenced.format("python")) is Drop.CODE_BLOCK
    assert reason(fenced.format("")) is Drop.CODE_BLOCK
    assert reason(fenced.format("python"), statement="What prints\n```\n2+2\n```") is None


def test_formulas_and_items_are_no_long_paragraph_but_the_text_between_counts() -> None:
    lines = " \\\\\n".join(f"x_{number} &= {number}" for number in range(200))
    select = Select(max_paragraph_chars=400)
    for begin, end in (
        ("\\begin{align*}", "\\end{align*}"),
        ("\\[", "\\]"),
        ("$$", "$$"),
        ("[asy]", "[/asy]"),
    ):
        assert reason(f"<think>so\n{begin}\n{lines}\n{end}\nthen</think>4", select) is None
        unclosed = f"<think>so\n{begin}\n{lines}\nthen</think>4"
        assert reason(unclosed, select) is Drop.LONG_PARAGRAPH
    items = "\n".join(f"- case {number}: it is {number + 4}" for number in range(60))
    assert reason(f"<think>{items}</think>4", select) is None
    prose = " ".join(str(number) for number in range(200))
    assert reason(f"<think>\\[ 2 \\] {prose} \\[ 2 \\]</think>4", select) is Drop.LONG_PARAGRAPH


def test_many_openings_that_are_never_closed_take_no_time_to_speak_of() -> None:
    select = Select(max_paragraph_chars=400)
    for opening in ("\\[", "$$", "\\begin{align}", "[asy]"):
        text = f"<think>{(opening + ' x ') * 20_000}</think>4"
        assert reason(text, select, tokens=None) in (Drop.LONG_PARAGRAPH, Drop.REPETITION, None)


def test_loops_that_count_are_found_and_lists_with_results_are_not() -> None:
    counting = " ".join(f"Step {n}: we look at it again and go on." for n in range(100, 140))
    assert loop(counting).endswith("counting")
    results = " ".join(f"Step {n}: of {n} the square is {n * n}, go on." for n in range(100, 140))
    assert loop(results) == ""
    assert loop(" ".join(f"{n}," for n in range(100, 400))) == ""
    few = " ".join(f"Step {n}: we look at it again and go on." for n in range(100, 120))
    assert loop(few) == ""


def words(seed: int, count: int) -> str:
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abcdefgh", k=4)) for _ in range(count))


def test_passages_that_come_back_with_text_between_are_found_from_the_third_time_on() -> None:
    passage = words(1, 100)
    between = [words(seed, 60) for seed in range(2, 8)]
    again = " ".join(f"{passage} {one}" for one in between)
    found = passage_in(again)
    assert found is not None
    assert found.evidence.startswith("400 of 960 words stood there twice before")
    assert again[found.at :].startswith(passage[:80])
    long = {"max_paragraph_chars": 10_000}
    assert reason(f"<think>{again}</think>4", Select(**long)) is Drop.REPETITION
    assert reason(f"<think>{again}</think>4", Select(**long, repetition=False)) is None
    once = f"<think>{passage} {between[0]}</think>{again}"
    assert reason(once, Select(**long)) is None, "only the trace counts"
    assert passage_in(f"{passage} {between[0]} {passage} {between[1]}") is None


def test_the_margin_says_how_far_beyond_its_limit_a_case_is_and_where() -> None:
    text = f"<think>so {'x' * 500}</think>4"
    found = long_paragraph(case(text), Select(max_paragraph_chars=402))
    assert found is not None
    assert found.margin == pytest.approx(101 / 402, abs=1e-4)
    assert text[found.at :].startswith("so xx")
    long = too_long(case(GOOD, tokens=150), Select(max_tokens=100))
    assert long is not None and long.margin == 0.5
    mixed = mixed_language(case("<think>so 因此</think>4"), Select())
    assert mixed is not None
    assert (mixed.margin, mixed.at) == (1.0, "<think>so 因此".index("因"))
