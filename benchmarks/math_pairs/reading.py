"""Golds as sympy values, read by a grammar so small that it can be checked by eye.

Numbers, fractions, mixed numbers, square roots, pi, i, single letters, brackets, whole powers,
sums and products without a sign. Anything else is not read. It shares nothing with the grader.
"""

from __future__ import annotations

import re
from typing import Final

import sympy

_BLANK: Final = re.compile(r"\\left(?![a-z])|\\right(?![a-z])|\\[!,; ]|[\s~]")
_FRACTION: Final = re.compile(r"\\[dtc]?frac")
_NUMBER: Final = re.compile(r"\d+\.\d+|\.\d+|\d+")
_MIXED: Final = re.compile(r"(\d+)\\[dtc]?frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))")
_POWER: Final = re.compile(r"\^(?:(\d)|\{(-?\d+)\})")


class _UnreadError(Exception):
    pass


def letter(name: str) -> sympy.Symbol:
    """The value of a letter."""
    return sympy.Symbol(name, real=True)


def read(text: str) -> sympy.Expr | None:
    """The value of a gold, None where the grammar does not read all of it."""
    if re.search(r"\d\s+\d", text):
        return None
    reader = _Reader(_BLANK.sub("", text))
    try:
        value = reader.sum()
    except _UnreadError:
        return None
    return value if reader.at_end() and value.is_finite is not False else None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._text)

    def sum(self) -> sympy.Expr:
        sign = -1 if self._take("-") else 1
        total = sign * self._product()
        while not self.at_end():
            if self._take("+"):
                total += self._product()
            elif self._take("-"):
                total -= self._product()
            else:
                break
        return total

    def _product(self) -> sympy.Expr:
        total, count = sympy.Integer(1), 0
        while (factor := self._factor(first=count == 0)) is not None:
            total, count = total * factor, count + 1
        if not count:
            raise _UnreadError
        return total

    def _factor(self, *, first: bool) -> sympy.Expr | None:
        base = self._base(first=first)
        if base is None:
            return None
        power = self._match(_POWER)
        return base if power is None else base ** int(power[1] or power[2])

    def _base(self, *, first: bool) -> sympy.Expr | None:
        mixed = self._match(_MIXED) if first else None
        if mixed:
            whole, *parts = (int(group) for group in mixed.groups() if group)
            if parts[0] >= parts[1]:
                raise _UnreadError
            return whole + sympy.Rational(*parts)
        if number := self._match(_NUMBER):
            if not first:
                raise _UnreadError
            return sympy.Rational(number[0])
        if self._match(_FRACTION):
            above, below = self._argument(), self._argument()
            if below == 0:
                raise _UnreadError
            return above / below
        if self._take("\\sqrt"):
            return sympy.sqrt(self._argument())
        if self._take("\\pi"):
            return sympy.pi
        if self._take("("):
            return self._closed(")")
        found = self._match(re.compile("[A-Za-z]"))
        if found is None:
            return None
        if found[0] == "e" or (found[0] in "fgh" and self._text.startswith("(", self._at)):
            raise _UnreadError  # Euler's number or a letter; a function or a factor
        return sympy.I if found[0] == "i" else letter(found[0])

    def _argument(self) -> sympy.Expr:
        if self._take("{"):
            return self._closed("}")
        if self._take("\\pi"):
            return sympy.pi
        digit = self._match(re.compile(r"\d"))
        if digit is None:
            raise _UnreadError
        return sympy.Integer(digit[0])

    def _closed(self, closing: str) -> sympy.Expr:
        value = self.sum()
        if not self._take(closing):
            raise _UnreadError
        return value

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found
