"""The characters of an answer under a cursor, with the limits that keep reading bounded."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from factory.grade.math.budget import tick

DIGITS: Final = frozenset("0123456789")
MAX_DEPTH: Final = 100
MAX_NODES: Final = 3000
MAX_SIGNS: Final = 3
"""Plus-minus signs: each doubles the number of values."""


class Unreadable(Exception):  # noqa: N818 - a finding about text, not a failure of ours
    """The text is no mathematics that the parser covers, or goes past its limits."""


class Reading(NamedTuple):
    """Choices of the policy that change how a text is read."""

    decimal_comma: bool = False
    single_brackets: bool = True
    ratio_is_fraction: bool = True
    letters_commute: bool = True


class Scanner:
    """A cursor `at` over a text; it counts how deep and how much was read."""

    def __init__(self, text: str, reading: Reading, *, thousands: bool) -> None:
        self.text = text
        self.reading = reading
        self.at = 0
        self.depth = 0
        self.nodes = 0
        self.brackets = 0
        self.bars = 0
        self.signs = 0
        self.thousands = thousands

    def spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def sees(self, what: str) -> bool:
        """Whether `what` comes next (after spaces); a command must end there."""
        self.spaces()
        if not self.text.startswith(what, self.at):
            return False
        end = self.at + len(what)
        return not (what[0] == "\\" and what[-1].isalpha() and self.text[end : end + 1].isalpha())

    def takes(self, what: str) -> bool:
        if self.sees(what):
            self.at += len(what)
            return True
        return False

    def needs(self, what: str) -> None:
        if not self.takes(what):
            raise self.wrong(f"expected {what!r}")

    def matches(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def wrong(self, what: str) -> Unreadable:
        return Unreadable(f"{what} at {self.at}: {self.text[self.at : self.at + 20]!r}")

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"nested deeper than {MAX_DEPTH}")

    def count(self) -> None:
        tick()
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.wrong(f"more than {MAX_NODES} nodes")

    def count_sign(self) -> None:
        self.signs += 1
        if self.signs > MAX_SIGNS:
            raise self.wrong(f"more than {MAX_SIGNS} plus-minus signs")
