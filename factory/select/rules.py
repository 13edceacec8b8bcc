"""The rules that a correct candidate must pass to become a sample.

Each rule is a pure function of one case that returns its evidence where it drops and an empty
text where it keeps. `RULES` gives them in order with the reason that each counts under; the first
that drops decides. The text filters (mixed languages, long paragraphs, code blocks) are those of
DeepSeek-R1 (arXiv 2501.12948, supplementary B.3.3); the report gives no thresholds, so ours are in
the recipe and each rule's false-drop rate on solutions written by people is kept at 1% or less by
a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from factory.select.loops import loop_in
from factory.select.scripts import foreign_letters
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.recipe import Select
from schemas.sample import Drop

OPEN: Final = "<think>"
CLOSE: Final = "</think>"

_PARAGRAPH_BREAK: Final = re.compile(r"\n[ \t\r]*\n")
_FENCE: Final = re.compile(r"^[ \t>]*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """What the rules see of one candidate and its problem."""

    statement: str
    gold: str
    domain: Domain
    reasoning: bool
    text: str
    """The whole completion."""
    finish_reason: FinishReason
    tokens: int | None
    """Completion tokens in the teacher's count; None for imports without counts."""


def trace_of(text: str) -> str:
    """The reasoning text: what stands in `<think>`, or all where there is no such tag."""
    _, opened, rest = text.partition(OPEN)
    return rest.partition(CLOSE)[0] if opened else text


def cut_off(case: Case, select: Select) -> str:
    """The token limit cut the completion, so that it has no end to learn from."""
    return "cut at the token limit" if case.finish_reason is FinishReason.LENGTH else ""


def too_short(case: Case, select: Select) -> str:
    """Fewer characters than `min_chars`."""
    count = len(case.text)
    return f"{count} characters, at least {select.min_chars}" if count < select.min_chars else ""


def too_long(case: Case, select: Select) -> str:
    """More tokens than `max_tokens`; a completion without a count is kept."""
    if select.max_tokens is None or case.tokens is None or case.tokens <= select.max_tokens:
        return ""
    return f"{case.tokens} tokens, at most {select.max_tokens}"


def bad_format(case: Case, select: Select) -> str:
    """Thinking that is not `<think>`, a trace, `</think>`, an answer, each once and in order.

    A reasoning problem needs it where the recipe says `require_think`. Elsewhere a completion may
    do without both tags, or have an empty trace, but tags that are there must match.
    """
    text = case.text
    required = select.require_think and case.reasoning
    opened, closed = text.count(OPEN), text.count(CLOSE)
    if (opened, closed) == (0, 0):
        return f"no {OPEN}" if required else ""
    if (opened, closed) != (1, 1):
        return f"{OPEN} {opened} times, {CLOSE} {closed} times"
    before, _, rest = text.partition(OPEN)
    trace, closing, answer = rest.partition(CLOSE)
    if not closing:
        return f"{CLOSE} before {OPEN}"
    if before.strip():
        return f"text before {OPEN}"
    if required and not trace.strip():
        return "empty trace"
    return "" if answer.strip() else f"no answer after {CLOSE}"


def mixed_language(case: Case, select: Select) -> str:
    """Letters of a writing system in the trace that is foreign to statement and gold answer."""
    if not select.mixed_language:
        return ""
    return foreign_letters(trace_of(case.text), case.statement, case.gold)


def long_paragraph(case: Case, select: Select) -> str:
    """A paragraph of the trace (text between blank lines) above `max_paragraph_chars`."""
    limit = select.max_paragraph_chars
    if len(case.text) <= limit:
        return ""
    longest = max(len(part.strip()) for part in _PARAGRAPH_BREAK.split(trace_of(case.text)))
    return f"a paragraph of {longest} characters, at most {limit}" if longest > limit else ""


def code_block(case: Case, select: Select) -> str:
    """A fenced code block in the trace of a mathematical problem."""
    if not select.code_block_in_math or case.domain is not Domain.MATH:
        return ""
    trace = trace_of(case.text)
    fence = _FENCE.search(trace)
    return f"{trace[fence.start() : fence.start() + 60].strip()!r}" if fence else ""


def repetition(case: Case, select: Select) -> str:
    """A degenerate loop anywhere in the completion."""
    return loop_in(case.text)


Rule = Callable[[Case, Select], str]

RULES: Final[tuple[tuple[Drop, Rule], ...]] = (
    (Drop.TRUNCATED, cut_off),
    (Drop.TOO_SHORT, too_short),
    (Drop.TOO_LONG, too_long),
    (Drop.BAD_FORMAT, bad_format),
    (Drop.MIXED_LANGUAGE, mixed_language),
    (Drop.LONG_PARAGRAPH, long_paragraph),
    (Drop.CODE_BLOCK, code_block),
    (Drop.REPETITION, repetition),
)


def first_drop(case: Case, select: Select) -> tuple[Drop, str] | None:
    """The first rule that drops, with its evidence; None where all keep."""
    for reason, rule in RULES:
        evidence = rule(case, select)
        if evidence:
            return reason, evidence
    return None
