"""Paragraphs of a trace: text between blank lines, without what only looks like one.

Displayed formulas (`\\[…\\]`, `$$…$$`), LaTeX environments and diagrams (`[asy]…[/asy]`) end a
paragraph and do not count, however long they are. Every item of a list, heading or row of a table
begins a new one. Not covered: a paragraph broken into lines that no blank line parts is one.
"""

from __future__ import annotations

import re
from typing import Final

_PARAGRAPH: Final = re.compile(r"(?:[^\n]|\n(?![ \t\r]*\n))+")
_MARK: Final = re.compile(
    r"\\begin\{[a-zA-Z]+\*?\}|\\end\{[a-zA-Z]+\*?\}|\\\[|\\\]|\$\$|\[asy\]|\[/asy\]"
    r"|^[ \t]*(?:[-*+•]|\d{1,4}[.)]|#{1,6}|\|)(?=[ \t])",
    re.MULTILINE,
)


def longest_paragraph(text: str, *, at_least: int) -> tuple[int, int]:
    """Characters of the longest paragraph without the space around it, and where it begins.

    Linear in the length of the text.

    Args:
        at_least: Where it is sure that none is longer, no more is looked at.
    """
    naive = max(map(len, text.split("\n\n")))
    if naive <= at_least:
        return naive, 0
    return _longest(_broken(text))


def _longest(text: str) -> tuple[int, int]:
    return max(
        ((len(found[0].strip()), found.start()) for found in _PARAGRAPH.finditer(text)),
        key=lambda one: one[0],
        default=(0, 0),
    )


def _broken(text: str) -> str:
    """The text with breaks of as many characters where a formula or an item begins."""
    marks = list(_MARK.finditer(text))
    last = {mark[0]: number for number, mark in enumerate(marks)}
    pieces: list[str] = []
    done = number = 0
    while number < len(marks):
        mark = marks[number]
        closing = _closing(mark[0])
        end = mark.end()
        if closing and last.get(closing, -1) > number:
            number += 1
            while marks[number][0] != closing:
                number += 1
            end = marks[number].end()
        if not closing or end > mark.end():
            pieces += [text[done : mark.start()], "\n\n".ljust(end - mark.start())]
            done = end
        number += 1
    return "".join([*pieces, text[done:]])


def _closing(mark: str) -> str:
    """What ends a formula that begins so; empty where none begins."""
    if mark.startswith("\\begin"):
        return mark.replace("begin", "end", 1)
    return {"\\[": "\\]", "$$": "$$", "[asy]": "[/asy]"}.get(mark, "")
