"""The final answer of a response: what follows the reasoning, and only that.

Rule, in this order: the last `\\boxed` (an unclosed one earns nothing); else the last stated
answer (`#### x`, `A: x`, `answer is x`, `answer: x`); else the last number. Nothing inside a
reasoning that never closed is an answer. Every step is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
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


@dataclass(frozen=True)
class Extraction:
    """The text of the final answer, None where there is none, and where it stood."""

    answer: str | None
    found: Found


TAIL_CHARS: Final = 4000
"""A stated answer or a last number is looked for in so many characters at the end."""

_BOX: Final = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_STATED: Final = re.compile(
    r"####|^[ \t]*\**A:|\banswer(?:[ \t]*\**[ \t]*:|[ \t]+is\b[ \t]*:?)",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER: Final = re.compile(
    r"-?\\[dt]?frac\{-?\d{1,40}\}\{\d{1,40}\}|-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:/\d+)?%?"
    r"|-?\.\d+%?"
)
_SPLIT_NUMBER: Final = re.compile(r"(?<=[\w)}\]])-(?=[\d.\\])")
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s)")
_MATHS: Final = re.compile(r"\$([^$\n]+)\$|\\\(([^\n]+?)\\\)|\\\[([^\n]+?)\\\]")
_PROSE: Final = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")


def final_answer(text: str, finish_reason: FinishReason = FinishReason.STOP) -> Extraction:
    """The final answer of a completion; never raises, whatever the text."""
    part = answer_part(text, finish_reason)
    if part is None:
        return Extraction(None, Found.UNFINISHED)
    boxes = list(_BOX.finditer(part))
    if boxes:
        content = _box_content(part, boxes[-1].end())
        if content is None:
            return Extraction(None, Found.UNCLOSED_BOX)
        return Extraction(content, Found.BOXED)
    tail = part[-TAIL_CHARS:]
    stated = _stated(tail)
    if stated is not None:
        return Extraction(stated, Found.STATED)
    number = _last_number(tail)
    if number is not None:
        return Extraction(number, Found.LAST_NUMBER)
    return Extraction(None, Found.NOTHING)


def last_boxed(text: str) -> str | None:
    """What stands in the last closed `\\boxed` (of the last ten), None where there is none."""
    for box in reversed(list(_BOX.finditer(text))[-10:]):
        content = _box_content(text, box.end())
        if content is not None:
            return content
    return None


def _box_content(text: str, start: int) -> str | None:
    while start < len(text) and text[start] == " ":
        start += 1
    if start >= len(text):
        return None
    if text[start] != "{":
        return re.match(r"[^\s$.,]*", text[start:])[0] or None  # type: ignore[index]
    depth = 0
    for brace in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : start + brace.start()].strip()
    return None


def _stated(tail: str) -> str | None:
    for marker in reversed(list(_STATED.finditer(tail))):
        rest = tail[marker.end() :]
        line = rest.lstrip().split("\n", 1)[0].strip()
        is_last = not rest.lstrip().partition("\n")[2].strip()
        if marker[0] == "####" and not is_last and not re.match(r"[-$\\]{0,3}[\d.]", line):
            continue  # a heading in Markdown
        answer = _clean_statement(line)
        if answer:
            return answer
    return None


def _clean_statement(line: str) -> str | None:
    line = line.strip().strip("*").strip()
    end = _SENTENCE_END.search(line)
    if end:
        line = line[: end.start()]
    maths = list(_MATHS.finditer(line))
    if len(maths) == 1:
        return next(group for group in maths[0].groups() if group is not None).strip()
    line = line.strip("*").rstrip(".").strip()
    if not line:
        return None
    if _PROSE.search(line) and len(line.split()) > 3:
        number = _NUMBER.search(_SPLIT_NUMBER.sub(" - ", line))
        return number[0] if number else line
    return line


def _last_number(tail: str) -> str | None:
    numbers = _NUMBER.findall(_SPLIT_NUMBER.sub(" - ", tail))
    return numbers[-1] if numbers else None
