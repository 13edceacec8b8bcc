"""Numbers with a sign or a unit: percent, money, degrees, units, bases, ratios, times of day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import sympy

from .constants import digits_swapped
from .pair import Change
from .reading import read

_UNIT: Final = re.compile(
    r"(.+?)(?:\\[,;]|\s)*\\(?:text|mbox)\s*\{\s*([^{}]+?)\.?\s*\}(?:\^(\d))?", re.DOTALL
)
_CONVERTED: Final[dict[str, tuple[str, str, int]]] = {
    # unit: (another spelling, a smaller unit, how many of them)
    "cm": ("centimeters", "mm", 10),
    "m": ("meters", "cm", 100),
    "meters": ("m", "cm", 100),
    "km": ("kilometers", "m", 1000),
    "feet": ("ft", "inches", 12),
    "ft": ("feet", "inches", 12),
    "inches": ("in.", "", 0),
    "pounds": ("lb", "ounces", 16),
    "gm": ("grams", "mg", 1000),
    "hours": ("hr", "minutes", 60),
    "minutes": ("min", "seconds", 60),
    "dollars": ("dollar", "cents", 100),
}
_COUNTED: Final = ("cm", "dollars", "hours")
_FIGURES: Final = "0123456789ABCDEF"


def quantity_changes(gold: str) -> tuple[str, list[Change]] | None:
    """The kind and rewritings of a number that is more than a number."""
    readers: dict[str, tuple[str, Callable[[re.Match[str]], Iterator[Change]]]] = {
        "percent": (r"(\d+(?:\.\d+)?)\\%", _percent),
        "money": (r"(-?)\\\$\s*(\d+(?:(?:,\\!|,)\d{3})*(?:\.\d+)?)", _money),
        "degree": (r"(-?\d+)\^(?:\\circ|\{\\circ\})", _degree),
        "base": (r"(-?)([0-9A-F]+)_\{?(\d+)\}?", _base),
        "ratio": (r"(\d+):(\d+)", _ratio),
        "time": (r"(?:\\text\{)?(\d+)(?::(\d\d))?(?:\\text\{)? ?([ap])\.?m\.?\}", _time),
    }
    for kind, (pattern, changes) in readers.items():
        found = re.fullmatch(pattern, gold, re.IGNORECASE if kind == "time" else 0)
        if found:
            return kind, list(changes(found))
    found = _UNIT.fullmatch(gold)
    value = read(found[1]) if found else None
    if found is None or value is None or value.free_symbols:
        return None
    return "unit", list(_unit(found[1].strip(), value, " ".join(found[2].split()), found[3]))


def _percent(found: re.Match[str]) -> Iterator[Change]:
    number = sympy.Rational(found[1])
    part = number / 100
    yield Change(found[1], True)
    yield Change(f"{found[1]}%", True)
    yield Change(f"{found[1]}\\text{{ percent}}", True)
    yield Change(f"{found[1]} \\%", True)
    yield Change(sympy.latex(part), True)
    yield Change(str(sympy.N(part, 20)).rstrip("0").rstrip("."), True)
    for other in (number + 1, number * 10, number / 10, -number, number * 100):
        shown = str(sympy.N(other, 20)).rstrip("0").rstrip(".")
        if other not in (part, number):
            yield Change(f"{shown}\\%", False)
            yield Change(shown, False)
    if 100 / number not in (part, number):
        yield Change(sympy.latex(100 / number), False)


def _money(found: re.Match[str]) -> Iterator[Change]:
    sign, digits = found[1], re.sub(r"[^\d.]", "", found[2])
    amount = sympy.Rational(digits)
    cents = f"{amount * 100}"
    shown = f"{float(amount):,.2f}"
    for text in (
        digits,
        f"{digits}\\text{{ dollars}}",
        f"\\${digits}",
        f"\\${shown}",
        f"\\$ {shown}",
    ):
        yield Change(sign + text, True)
    yield Change(f"{sign}{cents}\\text{{ cents}}", True)
    yield Change(
        f"{sign}\\${digits_swapped(int(amount * 100)) / 100:.2f}",
        digits_swapped(int(cents)) == int(cents),
    )
    yield Change(f"{sign}{digits}\\text{{ cents}}", False)
    yield Change(f"{'' if sign else '-'}\\${digits}", False)
    for other in (amount + 1, amount * 10, amount / 10, amount + sympy.Rational(1, 100)):
        yield Change(f"{sign}\\${float(other):.3f}", False)
        yield Change(f"{sign}{float(other):.3f}", False)


def _degree(found: re.Match[str]) -> Iterator[Change]:
    angle = int(found[1])
    for shape in (
        "{}",
        "{}°",
        "{}^{{\\circ}}",
        "{}\\text{{ degrees}}",
        "{} degrees",
        "{}.0^\\circ",
    ):
        yield Change(shape.format(angle), True)
    for other in (angle + 1, 180 - angle, angle * 10, -angle, digits_swapped(angle)):
        for shape in ("{}^\\circ", "{}", "{} degrees"):
            yield Change(shape.format(other), other == angle)
    yield Change(f"{angle}\\text{{ radians}}", False)
    yield Change(f"{angle}\\text{{ cm}}", False)


def _base(found: re.Match[str]) -> Iterator[Change]:
    sign, digits, base = found[1], found[2], int(found[3])
    for text in (digits, f"{digits}_{{{base}}}", f"({digits})_{{{base}}}"):
        yield Change(sign + text, True)
    yield Change(f"{sign}{digits}_{{{base + 1}}}", len(digits) == 1)
    if len(digits) > 1:
        # Digits alone mean the base of the gold, so without its base this is another number.
        last = _FIGURES[(_FIGURES.index(digits[-1]) + 1) % base]
        first = _FIGURES[_FIGURES.index(digits[0]) % (base - 1) + 1]
        for other in (digits[:-1] + last, digits[1:] + digits[0], digits + "0", digits[:-1]):
            yield Change(f"{sign}{other}_{{{base}}}", other.lstrip("0") == digits)
            yield Change(sign + other, other.lstrip("0") == digits)
        if first != digits[0]:
            yield Change(f"{sign}{first}{digits[1:]}_{{{base}}}", False)
        yield Change(f"{'' if sign else '-'}{digits}_{{{base}}}", False)
    if all(figure.isdigit() for figure in digits) and "." not in digits:
        value = int(digits, base)
        yield Change(f"{sign}{value}_{{10}}", True)
        yield Change(f"{sign}{value + 1}_{{10}}", False)


def _ratio(found: re.Match[str]) -> Iterator[Change]:
    one, other = int(found[1]), int(found[2])
    for text in (f"{one}/{other}", f"\\frac{{{one}}}{{{other}}}", f"{one} : {other}"):
        yield Change(text, True)
    yield Change(f"{2 * one}:{2 * other}", True)
    yield Change(f"{other}:{one}", one == other)
    yield Change(f"{one + 1}:{other}", False)
    yield Change(f"{one}:{other + 1}", False)
    yield Change(f"{one}{other}", False)


def _time(found: re.Match[str]) -> Iterator[Change]:
    hour, minute, half = int(found[1]), found[2] or "00", found[3].lower()
    other = "a" if half == "p" else "p"
    clock = f"{hour}:{minute}"
    for text in (f"{clock} \\text{{ {half}.m.}}", f"{clock}\\text{{ {half.upper()}M}}"):
        yield Change(text, True)
    yield Change(f"\\text{{{clock} {half}m}}", True)
    yield Change(f"{hour % 12 + (12 if half == 'p' else 0):02}:{minute}", True)
    yield Change(f"\\text{{{clock} {other}.m.}}", False)
    yield Change(f"{hour + 1}:{minute} \\text{{ {half}.m.}}", False)
    yield Change(f"{hour}:{(int(minute) + 1) % 60:02} \\text{{ {half}.m.}}", False)


def _unit(number: str, value: sympy.Expr, words: str, power: str | None) -> Iterator[Change]:
    raised = f"^{power}" if power else ""
    yield Change(number, True)
    if " " not in words:
        yield Change(f"{number} \\, \\mathrm{{{words}}}{raised}", True)
    yield Change(f"{sympy.latex(value)}\\text{{ {words}}}{raised}", True)
    for other in (value + 1, value * 10, -value, value / 2):
        text = sympy.latex(sympy.expand(other))
        yield Change(text, False)
        yield Change(f"{text}\\text{{ {words}}}{raised}", False)
    if words not in _CONVERTED:
        return
    spelled, smaller, count = _CONVERTED[words]
    yield Change(f"{number}\\text{{ {spelled}}}{raised}", True)
    if smaller:
        times = count ** int(power or 1)
        yield Change(f"{sympy.latex(value * times)}\\text{{ {smaller}}}{raised}", True)
        yield Change(f"{number}\\text{{ {smaller}}}{raised}", False)
        yield Change(f"{sympy.latex(value * times * 10)}\\text{{ {smaller}}}{raised}", False)
    if power:
        yield Change(f"{number}\\text{{ {words}}}", False)
    yield from (
        Change(f"{number}\\text{{ {one}}}", False)
        for one in _COUNTED
        if one != words and not (one == "cm" and words in ("m", "meters", "km", "feet", "ft"))
    )
