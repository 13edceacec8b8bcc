"""The final answer of a response: what follows the reasoning, and only that.

Rule, in this order: the last `\\boxed` (an unclosed one earns nothing); else the last stated
answer (`#### x`, `A: x`, `answer is x`, `answer: x`); else the last number, or the formula that it
stands in: `\frac{1+\\sqrt{5}}{2}` is not 2. Nothing inside a reasoning that never closed is an
answer. Every step is linear in the length of the text.

Beside the answer by that rule an extraction may have a fuller one: boxes that only commas and words
like `and` join are one list, and an equation that ends with the last number is an equation. It
counts where the answer by the rule is not right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from factory.grade.contract import answer_part
from schemas.candidate import FinishReason


class Found(StrEnum):
    """Where the answer stood."""

    BOXED = "boxed"
    STATED = "stated"
    LAST_NUMBER = "last number"
    NOTHING = "no answer"
    UNCLOSED_BOX = "unclosed box"
    UNFINISHED = "unfinished reasoning"


@dataclass(frozen=True, slots=True)
class Extraction:
    """The text of the final answer, None where there is none, and where it stood."""

    answer: str | None
    found: Found
    fuller: str | None = None
    """Joined boxes or the formula around the last number; None where there is no such thing."""


TAIL_CHARS: Final = 4000
"""A stated answer or a last number is looked for in so many characters at the end."""
MAX_BOXES: Final = 20
MAX_BOX_CHARS: Final = 4_000_000
"""Characters that are looked through for the ends of boxes that are not closed."""
MAX_BARE: Final = 40
"""A reply of one word or two that is no longer is an answer by itself."""
MAX_JOINT: Final = 80
"""Most characters between two boxes that are one list."""

_STATED: Final = re.compile(
    r"####|^[ \t]*\**A:|\banswers?(?:[ \t]*\**[ \t]*:|[ \t]+(?:is|are)\b[ \t]*:?)"
    r"|答案(?:是|为|：|:)|정답(?:은|:)|답(?:은|:)",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER: Final = re.compile(
    r"(?<![\w.])(?:-?\\[dt]?frac\{-?\d{1,40}\}\{\d{1,40}\}"
    r"|-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:/\d+)?%?|-?\.\d+%?)"
)
_VALUE: Final = re.compile(rf"\s*(?:is|are|equals|=)\s+({_NUMBER.pattern})")
_SPLIT_NUMBER: Final = re.compile(r"(?<=[\w)}\]])-(?=[\d.\\])")
_ENDING: Final = re.compile(r"<\|[A-Za-z_]{2,40}\|>|<｜|</s>")
_HEADING: Final = re.compile(r"\d{1,2}[.):] +\D")
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s)|。")
_DENIAL: Final = re.compile(r",? (?:and )?not\b")
_MATHS: Final = re.compile(r"\$([^$\n]+)\$|\\\(([^\n]+?)\\\)|\\\[([^\n]+?)\\\]")
_FORMULA: Final = re.compile(
    r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL
)
_PROSE: Final = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_JOINT: Final = re.compile(
    r"(?:[\s$,;.&]|\\[()\[\],;! ]|\\q?quad|\\text ?\{[^{}]{0,20}\}|\band\b|\bor\b)*"
)
_JOINED: Final = re.compile(r"[,;&]|and|or")


def final_answer(text: str, finish_reason: FinishReason = FinishReason.STOP) -> Extraction:
    """The final answer of a completion; never raises, whatever the text."""
    part = answer_part(text, finish_reason)
    if part is None or "<think>" in part:
        return Extraction(None, Found.UNFINISHED)
    if "<|" in part or "<｜" in part or "</s>" in part:
        part = _ENDING.split(part, maxsplit=1)[0]
    start = _last_box(part, len(part))
    if start >= 0:
        content, _ = _box(part, start)
        if content is None:
            return Extraction(None, Found.UNCLOSED_BOX)
        return Extraction(content, Found.BOXED, _joined_boxes(part, start, content))
    tail = part[-TAIL_CHARS:]
    stated = _stated(tail)
    if stated is not None:
        return Extraction(stated or None, Found.STATED if stated else Found.NOTHING)
    number, formula = _last_number(tail)
    whole = part.strip().strip("*").strip()
    bare = 0 < len(whole) <= MAX_BARE and len(whole.split()) <= 2
    if formula is None and bare:
        found = Found.LAST_NUMBER if number else Found.STATED
        return Extraction(number or whole, found, whole if number else None)
    if formula is not None and (number is None or "=" not in formula):
        return Extraction(formula, Found.LAST_NUMBER)
    return Extraction(number, Found.NOTHING if number is None else Found.LAST_NUMBER, formula)


# ------------------------------------------------------------------------------------------ boxes


def last_boxed(text: str) -> str | None:
    """What stands in the last closed `\\boxed` (of the last twenty); None where there is none."""
    closed = _last_closed(text)
    return closed and closed[1]


def joined_boxed(text: str) -> str | None:
    """What stands in the last closed `\\boxed` and those that are joined with it, as one list; None
    where it stands alone."""
    closed = _last_closed(text)
    return closed and _joined_boxes(text, *closed)


def _last_closed(text: str) -> tuple[int, str] | None:
    end = len(text)
    for _ in range(min(MAX_BOXES, 1 + MAX_BOX_CHARS // max(end, 1))):
        start = _last_box(text, end)
        if start < 0:
            return None
        content, _ = _box(text, start)
        if content is not None:
            return start, content
        end = start
    return None


def _last_box(text: str, end: int) -> int:
    """Where the last box before `end` begins; -1 where there is none."""
    boxed = text.rfind("\\boxed", 0, end)
    framed = text.rfind("\\fbox", 0, end)
    while True:
        start = max(boxed, framed)
        if start < 0:
            return start
        after = start + (6 if start == boxed else 5)
        if not text[after : after + 1].isalpha():
            return start
        if start == boxed:
            boxed = text.rfind("\\boxed", 0, start)
        else:
            framed = text.rfind("\\fbox", 0, start)


def _box(text: str, start: int) -> tuple[str | None, int]:
    """What stands in the box that begins here, None where it is not closed, and where it ends."""
    start += 6 if text.startswith("\\boxed", start) else 5
    while start < len(text) and text[start] == " ":
        start += 1
    if start >= len(text):
        return None, start
    if text[start] != "{":
        found = re.compile(r"[^\s$.,]*").match(text, start)
        assert found is not None
        return found[0] or None, found.end()
    depth = 0
    for brace in _BRACE.finditer(text, start):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : brace.start()].strip(), brace.end()
    return None, start


_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)


def _joined_boxes(text: str, start: int, last: str) -> str | None:
    """The contents of boxes that lead up to the last one with nothing but joints between them."""
    if "}" not in text[max(0, start - MAX_JOINT) : start]:
        return None
    contents = [last]
    while len(contents) < MAX_BOXES:
        before = _last_box(text, start)
        if before < 0:
            break
        content, end = _box(text, before)
        between = text[end:start]
        if content is None or not content or end > start or len(between) > MAX_JOINT:
            break
        if not _JOINT.fullmatch(between) or not _JOINED.search(between):
            break
        contents.append(content)
        start = before
    return ", ".join(reversed(contents)) if len(contents) > 1 else None


# ----------------------------------------------------------------------------------- stated answers


def _markers(tail: str) -> Iterator[re.Match[str]]:
    """Where answers are stated, the last first; what stands before the last `####` is not searched
    until it is asked for."""
    cut = max(tail.rfind("####"), 0)
    yield from reversed(list(_STATED.finditer(tail, cut)))
    yield from reversed(list(_STATED.finditer(tail, 0, cut)))


def _stated(tail: str) -> str | None:
    """The last stated answer; empty where it only says what the answer is not."""
    for marker in _markers(tail):
        rest = tail[marker.end() :]
        line = rest.lstrip().split("\n", 1)[0].strip()
        is_last = not rest.lstrip().partition("\n")[2].strip()
        is_heading = _HEADING.match(line) or not re.match(r"[-$\\]{0,3}[\d.]", line)
        if marker[0] == "####" and not is_last and is_heading:
            continue  # a heading in Markdown
        if line.startswith("not "):
            numbers = _NUMBER.findall(line)
            return numbers[-1] if len(numbers) > 1 else ""
        if line in ("$$", "\\["):
            line = _display(rest) or line
        answer = _clean_statement(line)
        if answer:
            return answer
    return None


def _display(rest: str) -> str | None:
    """A formula on lines of its own."""
    found = _FORMULA.match(rest.lstrip())
    return found and next(group for group in found.groups() if group).strip()


def _clean_statement(line: str) -> str | None:
    line = line.strip().strip("*").strip()
    end = _SENTENCE_END.search(line) or _DENIAL.search(line)
    if end:
        line = line[: end.start()]
    maths = list(_MATHS.finditer(line))
    if maths:
        behind = _VALUE.match(line, maths[-1].end())
        return behind[1] if behind else _formulas(line, maths)
    line = line.strip("*").rstrip(".").strip()
    if not line:
        return None
    if _PROSE.search(line) and len(line.split()) > 3:
        number = _NUMBER.search(_SPLIT_NUMBER.sub(" - ", line))
        return number[0] if number else line
    return line


def _formulas(line: str, maths: list[re.Match[str]]) -> str:
    """The last formula of a statement, or all of them where only joints stand between."""
    contents = [next(group for group in found.groups() if group).strip() for found in maths]
    gaps = [line[one.end() : two.start()] for one, two in pairwise(maths)]
    if gaps and all(_JOINT.fullmatch(gap) and _JOINED.search(gap) for gap in gaps):
        return ", ".join(contents)
    return contents[-1]


# -------------------------------------------------------------------------------------- last number


def _last_number(tail: str) -> tuple[str | None, str | None]:
    """The last number, and the formula that ends with it or stands behind it."""
    split = _SPLIT_NUMBER.sub(" - ", tail)
    numbers = _NUMBER.findall(split)
    number = numbers[-1] if numbers else None
    formulas = list(_FORMULA.finditer(tail))
    if not formulas:
        return number, None
    last = formulas[-1]
    if _NUMBER.search(tail, last.end()):
        return number, None
    return number, next(group for group in last.groups() if group).strip()
