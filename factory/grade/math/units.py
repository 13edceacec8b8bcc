"""Units: words -> dimension and exact size. They convert within a dimension, else they conflict.

Sizes are exact by definition (SI, the international yard and pound, avoirdupois, US liquid
measure). A compound (`km/h`, `m/s^2`, `square feet`, `dollars per hour`) is the product of its
parts. Temperatures of different scales also shift; an angle in radians has no dimension.
Words that are no unit (`apples`) have none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

_INCH: Final = Fraction(254, 10000)
_POUND: Final = Fraction(45359237, 100_000_000)
_GALLON: Final = 231 * _INCH**3

_SIZES: Final[dict[str, dict[str, Fraction]]] = {
    "length": {
        "nm nanometer nanometers nanometre nanometres": Fraction(1, 10**9),
        "mm millimeter millimeters millimetre millimetres": Fraction(1, 1000),
        "cm centimeter centimeters centimetre centimetres": Fraction(1, 100),
        "dm decimeter decimeters decimetre decimetres": Fraction(1, 10),
        "m meter meters metre metres": Fraction(1),
        "km kilometer kilometers kilometre kilometres kms": Fraction(1000),
        "in inch inches": _INCH,
        "ft foot feet": 12 * _INCH,
        "yd yard yards yds": 36 * _INCH,
        "mi mile miles": 63360 * _INCH,
    },
    "mass": {
        "mg milligram milligrams": Fraction(1, 10**6),
        "g gm gram grams": Fraction(1, 1000),
        "kg kilogram kilograms kgs kilo kilos": Fraction(1),
        "tonne tonnes": Fraction(1000),
        "oz ounce ounces": _POUND / 16,
        "lb lbs pound pounds": _POUND,
        "ton tons": 2000 * _POUND,
    },
    "time": {
        "ms millisecond milliseconds": Fraction(1, 1000),
        "s sec secs second seconds": Fraction(1),
        "min mins minute minutes": Fraction(60),
        "h hr hrs hour hours": Fraction(3600),
        "day days": Fraction(86400),
        "week weeks": Fraction(604800),
    },
    "month": {"month months": Fraction(1), "year years yr yrs": Fraction(12)},
    "money": {
        "dollar dollars usd bucks": Fraction(1),
        "cent cents ¢": Fraction(1, 100),
        "nickel nickels": Fraction(1, 20),
        "dime dimes": Fraction(1, 10),
    },
    "euro": {"euro euros eur": Fraction(1)},
    "sterling": {"sterling gbp quid": Fraction(1), "pence": Fraction(1, 100)},
    "yen": {"yen jpy": Fraction(1)},
    "rupee": {"rupee rupees rs inr": Fraction(1)},
    "current": {"amp amps ampere amperes": Fraction(1)},
    "amount": {"mol mole moles": Fraction(1)},
    "angle": {"degree degrees deg degs": Fraction(1), "arcminute arcminutes": Fraction(1, 60)},
    "data": {"bit bits": Fraction(1), "byte bytes": Fraction(8)},
    "dozen": {"dozen dozens": Fraction(1)},
}
_COMPOUNDS: Final[dict[str, tuple[str, Fraction]]] = {
    "ml milliliter milliliters millilitre millilitres cc": ("length^3", Fraction(1, 10**6)),
    "l liter liters litre litres": ("length^3", Fraction(1, 1000)),
    "gal gallon gallons": ("length^3", _GALLON),
    "qt quart quarts": ("length^3", _GALLON / 4),
    "pt pint pints": ("length^3", _GALLON / 8),
    "cup cups": ("length^3", _GALLON / 16),
    "acre acres": ("length^2", 4840 * (36 * _INCH) ** 2),
    "hectare hectares ha": ("length^2", Fraction(10_000)),
    "mph": ("length time^-1", 63360 * _INCH / 3600),
    "kph kmh": ("length time^-1", Fraction(1000, 3600)),
    "n newton newtons": ("mass length time^-2", Fraction(1)),
    "kn kilonewton kilonewtons": ("mass length time^-2", Fraction(1000)),
    "j joule joules": ("mass length^2 time^-2", Fraction(1)),
    "kj kilojoule kilojoules": ("mass length^2 time^-2", Fraction(1000)),
    "w watt watts": ("mass length^2 time^-3", Fraction(1)),
    "kw kilowatt kilowatts": ("mass length^2 time^-3", Fraction(1000)),
    "pa pascal pascals": ("mass length^-1 time^-2", Fraction(1)),
    "hz hertz": ("time^-1", Fraction(1)),
    "khz kilohertz": ("time^-1", Fraction(1000)),
    "v volt volts": ("mass length^2 time^-3 current^-1", Fraction(1)),
}
_SCALES: Final = {
    "celsius": ("temperature", Fraction(1), Fraction(27315, 100)),
    "fahrenheit": ("temperature", Fraction(5, 9), Fraction(45967, 180)),
    "kelvin": ("temperature", Fraction(1), Fraction(0)),
    "k": ("temperature", Fraction(1), Fraction(0)),
}
MAX_CHARS: Final = 60
"""Longest words of a unit."""
_SIDES: Final = frozenset({"left", "right", "up", "down", "north", "south", "east", "west"})
_NO_UNIT: Final = frozenset(
    {"is", "isn't", "are", "was", "not", "no", "never", "don't", "doesn't", "does", "do", "than",
     "plus", "minus", "times", "divided", "divides", "multiplied", "squared", "cubed", "factorial",
     "less", "more", "fewer", "greater", "larger", "smaller", "wrong", "incorrect", "false",
     "true", "too", "at", "least", "most", "if", "when", "where", "because", "since", "remainder",
     "mod", "by", "to", "into", "am", "pm", "a.m.", "p.m.", "halves", "half", "third", "thirds",
     "fourths", "fifths", "sixths", "eighths", "tenths", "hundredths", "thousandths", "score",
     "lakh", "crore", "negative", "positive", "below", "above", "under", "over", "hundred",
     "dozen", "equals", "and", "or", "but"}
)  # fmt: skip
"""Words that say more about a number than what it counts: `12 less`, `12 is wrong`, `3 by`."""
_FILLERS: Final = frozenset(
    {"of", "the", "a", "an", "total", "in", "all", "each", "more", "different", "about", "exactly",
     "possible", "only", "away", "long", "tall", "wide", "high", "old", "altogether"}
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A unit: exponents by dimension, size in base units, and a shift (temperatures)."""

    dimension: frozenset[tuple[str, int]]
    size: Fraction
    shift: Fraction = Fraction(0)


def _table() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for dimension, sizes in _SIZES.items():
        for names, size in sizes.items():
            for name in names.split():
                table[name] = Unit(frozenset({(dimension, 1)}), size)
    table["pounds sterling"] = table["sterling"]
    for names, (dimensions, size) in _COMPOUNDS.items():
        parts = (part.partition("^") for part in dimensions.split())
        unit = Unit(frozenset((name, int(power or 1)) for name, _, power in parts), size)
        table.update(dict.fromkeys(names.split(), unit))
    for name, (dimension, size, shift) in _SCALES.items():
        table[name] = Unit(frozenset({(dimension, 1)}), size, shift)
    return table


UNITS: Final = _table()
_POWERS: Final = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_SUFFIXES: Final = {"squared": 2, "cubed": 3}
_TOKEN: Final = re.compile(r"[a-z¢]+\.?|\^ ?\{?(-?\d)\}?|[/*·]")


@lru_cache(maxsize=1024)
def unit_of(words: str) -> Unit | None:
    """The unit that these words name, None where they name none."""
    words = words.removeprefix("degrees ").removeprefix("degree ") if " " in words else words
    if words in UNITS:
        return UNITS[words]
    if len(words) > MAX_CHARS or _TOKEN.sub("", words).strip(" .()"):
        return None
    total: dict[str, int] = {}
    size = Fraction(1)
    sign, raised = 1, 1
    last: tuple[Unit, int] | None = None
    count = 0
    for found in _TOKEN.finditer(words):
        token = found[0].rstrip(".")
        if token in ("/", "per"):
            sign, last = -1, None
        elif token in ("*", "·", "a", "an"):
            continue
        elif token in _POWERS:
            raised = _POWERS[token]
        elif found[1] or token in _SUFFIXES:
            if last is None:
                return None
            unit, done = last
            more = sign * (int(found[1]) if found[1] else _SUFFIXES[token]) - done
            size *= unit.size**more
            _multiply(total, unit, more)
            last = None
        elif token in UNITS:
            unit = UNITS[token]
            if unit.shift:
                return None
            power, raised = sign * raised, 1
            last = (unit, power)
            size *= unit.size**power
            _multiply(total, unit, power)
            count += 1
        else:
            return None
    if not count:
        return None
    return Unit(frozenset((name, power) for name, power in total.items() if power), size)


def _multiply(total: dict[str, int], unit: Unit, power: int) -> None:
    for dimension, exponent in unit.dimension:
        total[dimension] = total.get(dimension, 0) + exponent * power


_MODULUS: Final = re.compile(r"mod \w{1,20}")
_NOUNS: Final = re.compile(r"[a-z¢][a-z .'/*()-]*(?:\^ ?\{?-?\d\}?[a-z /*^\d-]*)?")


def may_be_unit(words: str) -> bool:
    """Whether words behind a value may name what it counts."""
    if _MODULUS.fullmatch(words) or words == "times":
        return True
    if not _NOUNS.fullmatch(words):
        return False
    return unit_of(words) is not None or _NO_UNIT.isdisjoint(re.findall(r"[a-z'.]+", words))


def same_words(left: str, right: str) -> bool:
    """Whether words behind a number mean one thing; `units` says nothing but its power."""
    if any(one == "dollar" and other.startswith("dollar ") for one, other in _turns(left, right)):
        return unit_of(left) is None or unit_of(right) is None
    one, other = (_stems(words) for words in (left, right))
    if not (one and other):
        return _power(left) == _power(right) and not (one | other) & _SIDES
    return one == other


def _turns(left: str, right: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (left, right), (right, left)


def _stems(words: str) -> frozenset[str]:
    found = re.findall(r"[a-z0-9]+", words)
    stems = {re.sub(r"(?<=[a-z]{2})(?:es|s)$", "", word) for word in found}
    plain = frozenset(
        word for word in stems if not (word in _FILLERS or word in _POWERS or word in ("2", "3"))
    )
    return plain - {"unit"}


def _power(words: str) -> int:
    """1 for `units` and lengths, 2 for `square units` and areas, …"""
    unit = unit_of(words)
    if unit is not None:
        return dict(unit.dimension).get("length", 1)
    found = re.search(r"\^ ?\{?(\d)", words)
    if found:
        return int(found[1])
    return next((power for word, power in _POWERS.items() if word in words.split()), 1)
