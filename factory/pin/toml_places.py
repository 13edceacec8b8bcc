"""Where each value of a TOML document stands, so that one can be changed and all else kept.

It reads documents that `tomllib` has accepted already: what is wrong with a document is said there.
Covered: headers, arrays of tables, dotted and quoted keys, inline tables, arrays, comments, the
four kinds of strings, both line endings. Who edits by these places still parses the result and
compares (`factory.pin.text`).
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

Steps = tuple[str | int, ...]
"""Keys and positions that lead to a value: `("collect", "sources", 3, "revision")`."""

_SPACE: Final = re.compile(r"[ \t]*")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?'
    r"|'''.*?'''(?:'{1,2}(?!'))?"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN: Final = re.compile(r"[^,\]}#\r\n]+")


@dataclass(frozen=True)
class Place:
    """Where a value and its key stand: positions in the text."""

    key_start: int
    key_end: int
    start: int
    end: int
    inline: bool
    """Whether it belongs to an inline table."""


def places(text: str) -> dict[Steps, Place]:
    """The place of every value that has a key, tables in headers left out."""
    return _Reader(text).read()


@dataclass
class _Reader:
    text: str
    at: int = 0
    found: dict[Steps, Place] = field(default_factory=dict)
    tables: Counter[Steps] = field(default_factory=Counter)
    """How often each array of tables was begun."""

    def read(self) -> dict[Steps, Place]:
        table: Steps = ()
        while self._past(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table, inline=False)
        return self.found

    def _past(self, pattern: re.Pattern[str]) -> int:
        """The position behind what the pattern finds here."""
        match = pattern.match(self.text, self.at)
        assert match, f"no {pattern.pattern} at {self.at}"
        self.at = match.end()
        return self.at

    def _header(self) -> Steps:
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        keys = self._key()
        self.at += 2 if is_array else 1
        steps: Steps = ()
        for number, key in enumerate(keys, 1):
            steps = (*steps, key)
            if is_array and number == len(keys):
                self.tables[steps] += 1
            if steps in self.tables:
                steps = (*steps, self.tables[steps] - 1)
        return steps

    def _key(self) -> list[str]:
        """The parts of a key, dotted or not; the position is behind it and the space after it."""
        parts: list[str] = []
        while True:
            self._past(_SPACE)
            start = self.at
            quoted = self.text[start] in "\"'"
            self._past(_QUOTED if quoted else _BARE)
            written = self.text[start : self.at]
            parts.append(tomllib.loads(f"v = {written}")["v"] if quoted else written)
            end = self.at
            self._past(_SPACE)
            if not self.text.startswith(".", self.at):
                self.key_end = end
                return parts
            self.at += 1

    def _pair(self, table: Steps, *, inline: bool) -> None:
        self._past(_SPACE)
        key_start = self.at
        steps: Steps = (*table, *self._key())
        key_end = self.key_end
        self.at += 1  # the equals sign
        self._past(_SPACE)
        start = self.at
        self._value(steps)
        self.found[steps] = Place(key_start, key_end, start, self.at, inline)

    def _value(self, steps: Steps) -> None:
        match self.text[self.at]:
            case "{":
                self.at += 1
                while self.text[self._past(_BLANK)] != "}":
                    self._pair(steps, inline=True)
                    self._comma()
                self.at += 1
            case "[":
                self.at += 1
                number = 0
                while self.text[self._past(_BLANK)] != "]":
                    self._value((*steps, number))
                    number += 1
                    self._comma()
                self.at += 1
            case '"' | "'":
                self._past(_STRING)
            case _:
                start = self.at
                self._past(_PLAIN)
                self.at = start + len(self.text[start : self.at].rstrip())

    def _comma(self) -> None:
        self._past(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
