"""Numbers and units as they are written: decimals, mixed numbers, bases, words behind a value."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from factory.grade.math.scan import Scanner, Unreadable
from factory.grade.math.tree import (
    Based,
    Function,
    Node,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Symbol,
)
from factory.grade.math.units import UNITS, may_be_unit, unit_of

MAX_DIGITS: Final = 4000
MAX_PERIODS: Final = 60
"""Longest fraction in which a block that repeats is looked for."""
_DIGITS: Final = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)")
THOUSANDS: Final = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?")
_SPACED: Final = re.compile(r"\d{1,3}(?: \d{3})+(?!\d| ?/)")
_MIXED: Final = re.compile(r" ?\\frac ?(?:\{(\d+)\}|(\d)) ?(?:\{(\d+)\}|(\d))| +(\d+) ?/ ?(\d+)")
_SCIENTIFIC: Final = re.compile(r"[eE]([+-]?\d{1,6})(?![\w.])")
_REPEATED: Final = re.compile(
    r" ?\\(?:overline|bar|dot|overset ?\{ ?\. ?\}) ?(?:\{(\d{1,50})\}|(\d))"
    r"|\((\d{1,50})\)(?![\d(^/*])"
)
_ELLIPSIS: Final = re.compile(r" ?(?:\.{3}|\\[lc]?dots(?![A-Za-z]))")
_BLOCK: Final = re.compile(r"(\d{1,6}?)\1{2,}$")
_BASE: Final = re.compile(
    r" ?(?:\{ ?\(?(\d{1,2})\)? ?\}|(\d{1,2})"
    r"|\{? ?(?:\\text ?)?\{ ?(?:base ?)?([a-z]+|\d{1,2}) ?\} ?\}?)"
)
_BASED: Final = re.compile(r"(-?) ?\(? ?([0-9A-Z][0-9A-Za-z]*) ?\)? ?_")
_BASES: Final = {
    word: base
    for base, word in enumerate(
        [
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        start=2,
    )
} | {
    "twelve": 12,
    "sixteen": 16,
    "binary": 2,
    "octal": 8,
    "decimal": 10,
    "hexadecimal": 16,
    "hex": 16,
}
_TEXT: Final = re.compile(r" ?\\text ?\{([^{}]*)\}")
_MORE_TEXT: Final = re.compile(r" ?\\text ?\{(?! ?,? ?(?:and|or)\b)([^{}]*)\}")
_UNIT_POWER: Final = re.compile(r" ?\^ ?(?:\{?([-]?\d)\}?)")
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z .'\-/]*")
_LARGE_NUMBERS: Final = {
    "dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9,
    "trillion": 10**12,
}  # fmt: skip
_LARGE: Final = re.compile(
    r" ?(?:\\text ?\{ ?(dozen|hundred|thousand|million|billion|trillion) ?\}"
    r"|(dozen|hundred|thousand|million|billion|trillion)\b)",
    re.IGNORECASE,
)
_SCALE: Final = re.compile(r" ?(?:\\text ?\{ ?([CF]) ?\}|([CF])(?![A-Za-z_(\d]))")
_MORE_UNIT: Final = re.compile(
    r" ?(/|\\cdot|\*) ?\\text ?\{([^{}]*)\}(?: ?\^ ?(?:\{?([-]?\d)\}?))?"
)
_RATE: Final = re.compile(r"[a-z]+/[a-z]+\.?")
_PERCENT: Final = frozenset({"percent", "pct", "percentage", "per cent"})
_NO_UNITS: Final = frozenset(
    {"sqrt", "cbrt", "infinity", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"}
)


class Quantities(Scanner):
    """Reads numbers and units; nothing here reads an expression."""

    def number(self) -> Node:
        start = self.at
        found = self.matches(THOUSANDS) if self.thousands and self.brackets == 0 else None
        found = found or self.matches(_SPACED) or self.matches(_DIGITS)
        if found is None:
            raise self.wrong("expected a number")
        digits = found[0].replace(",", "").replace(" ", "")
        if len(digits) > MAX_DIGITS and "." in digits:
            raise self.wrong(f"more than {MAX_DIGITS} digits")
        end = self.at
        if self.sees("_"):
            return self.in_base(digits)
        self.at = end
        if "." in digits:
            return self.decimal(digits)
        if scientific := self.matches(_SCIENTIFIC):
            return Product(
                (Number(_fraction(digits)), Power(Number(Fraction(10)), _integer(scientific[1])))
            )
        mixed = _MIXED.match(self.text, self.at)
        if mixed and not self.text[max(0, start - 1) : start].strip().strip("(-+,=$ "):
            top, bottom = [group for group in mixed.groups() if group is not None]
            if len(top) + len(bottom) < MAX_DIGITS and 0 < int(top) < int(bottom):
                self.at = mixed.end()
                return Number(_fraction(digits) + Fraction(int(top), int(bottom)))
        return Number(_fraction(digits))

    def decimal(self, digits: str) -> Node:
        whole, _, fraction = digits.partition(".")
        if repeated := self.matches(_REPEATED):
            digit = next(group for group in repeated.groups() if group)
            block = Fraction(int(digit), 10 ** len(digit) - 1)
            start = Fraction(f"{whole or '0'}.{fraction or '0'}")
            return Number(start + block / 10 ** len(fraction))
        if self.matches(_ELLIPSIS):
            return self.going_on(whole, fraction)
        value = Fraction(f"{whole or '0'}.{fraction or '0'}")
        figures = len((whole + fraction).lstrip("0"))
        last_place = Fraction(1, 10 ** len(fraction)) if fraction else None
        node: Node = Number(value, last_place, figures)
        if scientific := self.matches(_SCIENTIFIC):
            exponent = int(scientific[1])
            if abs(exponent) > MAX_DIGITS:
                return Product(
                    (Number(value), Power(Number(Fraction(10)), _integer(scientific[1])))
                )
            shift = Fraction(10) ** exponent
            place = last_place * shift if last_place else None
            node = Number(value * shift, place, figures)
        return node

    def going_on(self, whole: str, fraction: str) -> Node:
        """`0.333…`: the block that stands there three times goes on; other digits are cut off."""
        found = _BLOCK.search(fraction) if len(fraction) <= MAX_PERIODS else None
        if found is None:
            figures = len((whole + fraction).lstrip("0"))
            value = Fraction(f"{whole or '0'}.{fraction or '0'}")
            return Number(value, Fraction(1, 10 ** len(fraction)), figures)
        block = found[1]
        start = Fraction(f"{whole or '0'}.{fraction[: found.start()] or '0'}")
        rest = Fraction(int(block), 10 ** len(block) - 1)
        return Number(start + rest / 10 ** len(fraction[: found.start()]))

    def in_base(self, digits: str) -> Node:
        self.needs("_")
        found = self.matches(_BASE)
        name = next(filter(None, found.groups()), "") if found else ""
        base = int(name) if name.isdecimal() else _BASES.get(name, 0)
        if not 2 <= base <= 36:
            raise self.wrong("expected a base from 2 to 36")
        return Based(digits, base)

    def whole_based(self) -> Node | None:
        """A whole text that is digits in a base (`(1202)_3`, `2A_{16}`); None where it is not."""
        found = _BASED.match(self.text)
        if found is None or (found[2].isdecimal() and "(" not in found[0]):
            return None
        self.at = found.end() - 1
        try:
            node = self.in_base(found[2])
            assert isinstance(node, Based)
            int(node.digits[:MAX_DIGITS], node.base)
        except (Unreadable, ValueError):
            return None
        if self.at != len(self.text):
            return None
        return Product((Number(Fraction(-1)), node)) if found[1] else node

    def large_number(self) -> Number | None:
        """`million` and the like behind a number."""
        found = self.matches(_LARGE)
        return Number(Fraction(_LARGE_NUMBERS[(found[1] or found[2]).lower()])) if found else None

    def scale(self) -> str | None:
        """The scale of a temperature behind a degree sign."""
        found = self.matches(_SCALE)
        return {"C": "celsius", "F": "fahrenheit"}[found[1] or found[2]] if found else None

    def unit_text(self) -> str | None:
        """The words in `\\text{…}` behind a value, with a power; None for `and`, `or`."""
        found = _TEXT.match(self.text, self.at)
        if found is None:
            raise self.wrong("expected words")
        words = " ".join(found[1].casefold().strip(" .,").split())
        if len(words) == 1 and words.isalpha() and (words in "ie" or unit_of(words) is None):
            return None
        if words in _PERCENT:
            self.at = found.end()
            return "%"
        if words in ("and", "or") or words.startswith(("and ", "or ")):
            return None
        if not may_be_unit(words):
            raise self.wrong("words that name no unit")
        self.at = found.end()
        power = self.matches(_UNIT_POWER)
        words = f"{words}^{power[1]}" if power else words
        while again := self.matches(_MORE_TEXT):
            words += f" {again[1].casefold().strip()}"
        while more := self.matches(_MORE_UNIT):
            sign = "/" if more[1] == "/" else "*"
            words += f" {sign} {more[2].casefold().strip()}" + (f"^{more[3]}" if more[3] else "")
        return words

    def plain_unit(self, before: Node) -> str | None:
        """Plain words behind a number: a known unit, or words of four letters and more."""
        if not isinstance(before, Number | Quotient | Quantity | Symbol | Power | Function):
            return None
        found = _WORDS.match(self.text, self.at)
        if found is None:
            return None
        words = " ".join(found[0].casefold().split()).strip(" .")
        first = words.split()[0] if words else ""
        if not first.rstrip(".").isalpha() and not _RATE.fullmatch(first):
            return None
        apart = self.text[found.start() - 1 : found.start()] in (" ", "}")
        if len(first) < 4 and not (isinstance(before, Number) or (apart and first in UNITS)):
            return None  # letters, not units: `h/3`
        known = (
            words in _PERCENT
            or first == "per"
            or (len(first) >= 2 and (first in UNITS or words in UNITS))
            or ((len(first) >= 2 or "/" in first) and unit_of(words) is not None)
        )
        long = apart and len(first) >= 4 and not any(word in _NO_UNITS for word in words.split())
        if not (known or long):
            return None
        if words not in _PERCENT and not may_be_unit(words):
            raise self.wrong("words that name no unit")
        self.at = found.end()
        if words in _PERCENT:
            return "%"
        power = self.matches(_UNIT_POWER)
        return f"{words}^{power[1]}" if power else words


def _fraction(digits: str) -> Fraction:
    """A whole number of any length; Python reads only so many digits at once."""
    value = 0
    for start in range(0, len(digits), MAX_DIGITS):
        chunk = digits[start : start + MAX_DIGITS]
        value = value * 10 ** len(chunk) + int(chunk)
    return Fraction(value)


def _integer(text: str) -> Number:
    return Number(Fraction(int(text)))
