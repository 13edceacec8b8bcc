"""Units that convert: name -> (dimension, size in the base unit of that dimension).

Exact sizes by definition (SI, the international yard and pound, avoirdupois, US money).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_SIZES: Final[dict[str, dict[str, Fraction]]] = {
    "length": {
        "mm millimeter millimeters millimetre millimetres": Fraction(1, 1000),
        "cm centimeter centimeters centimetre centimetres": Fraction(1, 100),
        "m meter meters metre metres": Fraction(1),
        "km kilometer kilometers kilometre kilometres": Fraction(1000),
        "inch inches": Fraction(254, 10000),
        "ft foot feet": Fraction(3048, 10000),
        "yd yard yards": Fraction(9144, 10000),
        "mi mile miles": Fraction(1609344, 1000),
    },
    "mass": {
        "mg milligram milligrams": Fraction(1, 1000),
        "g gm gram grams": Fraction(1),
        "kg kilogram kilograms": Fraction(1000),
        "oz ounce ounces": Fraction(45359237, 1600000),
        "lb lbs pound pounds": Fraction(45359237, 100000),
    },
    "time": {
        "s sec second seconds": Fraction(1),
        "min minute minutes": Fraction(60),
        "h hr hrs hour hours": Fraction(3600),
        "day days": Fraction(86400),
        "week weeks": Fraction(604800),
    },
    "money": {
        "dollar dollars usd": Fraction(1),
        "cent cents": Fraction(1, 100),
    },
    "volume": {
        "ml milliliter milliliters": Fraction(1, 1000),
        "l liter liters litre litres": Fraction(1),
    },
    "speed": {"mph": Fraction(1), "miles per hour": Fraction(1)},
    "angle": {"degree degrees": Fraction(1)},
}

UNITS: Final[dict[str, tuple[str, Fraction]]] = {
    name: (dimension, size)
    for dimension, sizes in _SIZES.items()
    for names, size in sizes.items()
    for name in ([names] if " per " in names else names.split())
}


def unit_of(words: str) -> tuple[str, Fraction] | None:
    """Dimension and size of a unit with its power (`cm^2`, `square feet`), None if unknown."""
    words = words.strip()
    base, _, power = words.partition("^")
    exponent = int(power) if power.lstrip("-").isdigit() else 1
    for prefix, raised in (("square ", 2), ("sq ", 2), ("sq. ", 2), ("cubic ", 3), ("cu ", 3)):
        if base.startswith(prefix):
            base, exponent = base.removeprefix(prefix), raised
    found = UNITS.get(base.strip(" ."))
    if found is None:
        return None
    dimension, size = found
    return (dimension if exponent == 1 else f"{dimension}^{exponent}", size**exponent)
