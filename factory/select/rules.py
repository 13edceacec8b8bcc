"""The rules that a correct candidate must pass to become a sample.

Each rule is a pure function of one case that says what it found where it drops, and None where it
keeps. `RULES` gives them in order with the reason that each counts under; the first that drops
decides. The text filters (mixed languages, long paragraphs, code blocks) are those of DeepSeek-R1
(arXiv 2501.12948, supplementary B.3.3); the report gives no thresholds, so ours are in the recipe
and each rule's false-drop rate on solutions written by people is kept at 1% or less by a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from factory.select.found import Found
from factory.select.loops import loop_in, passage_in
from factory.select.paragraphs import longest_paragraph
from factory.select.scripts import foreign_letters
from factory.select.work import work_missing
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.sample import Drop
from schemas.select_settings import Select

OPEN: Final = "<think>"
CLOSE: Final = "</think>"

_FENCE: Final = re.compile(r"^[ \t>]*(?:```|~~~)[ \t]*(\w*)", re.MULTILINE)
_LATEX: Final = frozenset({"latex", "tex", "math", "katex"})
_FENCE_CHARS: Final = 60


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
    context: str = ""
    """What else the teacher was told: system message, template, earlier turns, and the languages
    that a grader of language wants, by name."""
    may_repeat: bool = True
    """False where `runs` has shown that nothing comes back."""

    @cached_property
    def trace(self) -> str:
        """The reasoning text."""
        return trace_of(self.text)

    @cached_property
    def trace_at(self) -> int:
        """Where the trace begins in the completion, in characters."""
        at = self.text.find(OPEN)
        return at + len(OPEN) if at >= 0 else 0


def trace_of(text: str) -> str:
    """The reasoning text: what stands in `<think>`, or all where there is no such tag."""
    _, opened, rest = text.partition(OPEN)
    return rest.partition(CLOSE)[0] if opened else text


def cut_off(case: Case, select: Select) -> Found | None:
    """The token limit cut the completion, so that it has no end to learn from."""
    if case.finish_reason is not FinishReason.LENGTH:
        return None
    return Found("cut at the token limit", at=len(case.text))


def too_short(case: Case, select: Select) -> Found | None:
    """Fewer characters than `min_chars`."""
    count, least = len(case.text), select.min_chars
    if count >= least:
        return None
    return Found(f"{count} characters, at least {least}", _share(least - count, least))


def too_long(case: Case, select: Select) -> Found | None:
    """More tokens than `max_tokens`; a completion without a count is kept."""
    limit = select.max_tokens
    if limit is None or case.tokens is None or case.tokens <= limit:
        return None
    return Found(f"{case.tokens} tokens, at most {limit}", _share(case.tokens - limit, limit))


def bad_format(case: Case, select: Select) -> Found | None:
    """Thinking that is not `<think>`, a trace, `</think>`, an answer, each once and in order.

    A reasoning problem needs it where the recipe says `require_think`. Elsewhere a completion may
    do without both tags, or have an empty trace, but tags that are there must match.
    """
    text = case.text
    required = select.require_think and case.reasoning
    opened, closed = text.count(OPEN), text.count(CLOSE)
    if (opened, closed) == (0, 0):
        return Found(f"no {OPEN}") if required else None
    if (opened, closed) != (1, 1):
        at = max(text.rfind(OPEN), text.rfind(CLOSE))
        return Found(f"{OPEN} {opened} times, {CLOSE} {closed} times", at=at)
    before, _, rest = text.partition(OPEN)
    trace, closing, answer = rest.partition(CLOSE)
    if not closing:
        return Found(f"{CLOSE} before {OPEN}", at=len(before))
    if before.strip():
        return Found(f"text before {OPEN}")
    if required and not trace.strip():
        return Found("empty trace")
    return None if answer.strip() else Found(f"no answer after {CLOSE}", at=len(text))


def mixed_language(case: Case, select: Select) -> Found | None:
    """Letters of a writing system in the trace that is foreign to all that the teacher was told
    and to the gold answer."""
    if not select.mixed_language:
        return None
    found = foreign_letters(case.trace, f"{case.statement}\n{case.context}", case.gold)
    return found and Found(found.evidence, found.margin, case.trace_at + found.at)


def long_paragraph(case: Case, select: Select) -> Found | None:
    """A paragraph of the trace, without formulas and lists, above `max_paragraph_chars`."""
    limit = select.max_paragraph_chars
    if len(case.trace) <= limit:
        return None
    count, at = longest_paragraph(case.trace, at_least=limit)
    if count <= limit:
        return None
    evidence = f"a paragraph of {count} characters, at most {limit}"
    return Found(evidence, _share(count - limit, limit), case.trace_at + at)


def code_block(case: Case, select: Select) -> Found | None:
    """A fenced code block in the trace of a mathematical problem; LaTeX in a fence is none, and
    what a problem shows in a fence itself may be answered so."""
    if not select.code_block_in_math or case.domain is not Domain.MATH:
        return None
    trace = case.trace
    if "```" not in trace and "~~~" not in trace:
        return None
    fences = list(_FENCE.finditer(trace))
    opening = [one for one in fences[::2] if one[1].lower() not in _LATEX]
    if not opening or _FENCE.search(case.statement):
        return None
    start = opening[0].start()
    shown = trace[start : start + _FENCE_CHARS].strip()
    return Found(f"{shown!r}", float(len(opening) - 1), case.trace_at + start)


def repetition(case: Case, select: Select) -> Found | None:
    """A degenerate loop anywhere in the completion, or passages of the trace that come back."""
    if not select.repetition or not case.may_repeat:
        return None
    found = loop_in(case.text)
    if found is not None:
        return found
    found = passage_in(case.trace)
    return found and Found(found.evidence, found.margin, case.trace_at + found.at)


def without_work(case: Case, select: Select) -> Found | None:
    """The answer to a reasoning problem is only said, without a step that leads to it."""
    if not select.without_work or not case.reasoning:
        return None
    opened = OPEN in case.text
    found = work_missing(
        case.trace,
        case.text.partition(CLOSE)[2] if opened else "",
        gold=case.gold,
        statement=case.statement,
        program=case.domain is Domain.CODE,
    )
    return found and Found(found.evidence, found.margin, case.trace_at)


Rule = Callable[[Case, Select], Found | None]

RULES: Final[tuple[tuple[Drop, Rule], ...]] = (
    (Drop.TRUNCATED, cut_off),
    (Drop.TOO_SHORT, too_short),
    (Drop.TOO_LONG, too_long),
    (Drop.BAD_FORMAT, bad_format),
    (Drop.MIXED_LANGUAGE, mixed_language),
    (Drop.LONG_PARAGRAPH, long_paragraph),
    (Drop.CODE_BLOCK, code_block),
    (Drop.REPETITION, repetition),
    (Drop.WITHOUT_WORK, without_work),
)


def first_drop(case: Case, select: Select) -> tuple[Drop, Found] | None:
    """The first rule that drops, with what it found; None where all keep."""
    for reason, rule in RULES:
        found = rule(case, select)
        if found is not None:
            return reason, found
    return None


def _share(beyond: int, limit: int) -> float:
    return round(beyond / limit, 4)
