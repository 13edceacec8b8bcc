"""Sums of eight forms, each with ways to write its answer and with wrong answers; by number."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple


class Sum(NamedTuple):
    """A question with its answer."""

    question: str
    gold: str
    right: list[str]
    """Other ways to write the gold."""
    wrong: list[str]


def sum_of(number: int) -> Sum:
    """The sum with this number; the same at any time."""
    if number % 100 == 57:
        return _double_angle(number)
    if number % 25 == 0:
        return _whole(number)
    return _FORMS[number % len(_FORMS)](number)


def twin_of(number: int) -> Sum:
    """A sum of other numbers with the same answers as `sum_of(number)`, which is a whole one."""
    return _whole(number)._replace(question=_added(*_addends(number, 1)))


def _spread(number: int, low: int, high: int, salt: int) -> int:
    return low + (number * 2_654_435_761 + salt * 40_503 + number // 977 * salt) % (high - low)


def _addends(number: int, moved: int = 0) -> tuple[int, int]:
    first, second = _spread(number, 100, 9000, 1), _spread(number, 100, 9000, 2)
    return first + moved, second - moved


def _added(first: int, second: int) -> str:
    return f"How many are ${first}$ and ${second}$ together?"


def _whole(number: int) -> Sum:
    first, second = _addends(number)
    value = first + second
    ways = [f"{value}", f"\\frac{{{2 * value}}}{{2}}", f"{first}+{second}", f"{value}.0"]
    return Sum(_added(first, second), str(value), ways, _other_numbers(value))


def _fraction(number: int) -> Sum:
    one = Fraction(_spread(number, 1, 40, 3), _spread(number, 41, 90, 4))
    other = Fraction(_spread(number, 1, 40, 5), _spread(number, 91, 140, 6))
    value = one + other
    top, bottom = value.numerator, value.denominator
    ways = [
        f"\\frac{{{top}}}{{{bottom}}}",
        f"{top}/{bottom}",
        f"\\dfrac{{{3 * top}}}{{{3 * bottom}}}",
    ]
    wrong = [f"\\frac{{{top + more}}}{{{bottom}}}" for more in range(1, 6)]
    return Sum(f"What is ${_latex(one)} + {_latex(other)}$?", ways[0], ways, wrong)


def _latex(value: Fraction) -> str:
    return f"\\frac{{{value.numerator}}}{{{value.denominator}}}"


def _product(number: int) -> Sum:
    first, second = _spread(number, 11, 99, 7), _spread(number, 101, 999, 8)
    value = first * second
    ways = [f"{value}", f"{first} \\cdot {second}", f"{value:,}"]
    return Sum(f"What is ${first} \\times {second}$?", ways[0], ways, _other_numbers(value))


def _quadratic(number: int) -> Sum:
    a, b = _spread(number, 2, 60, 9), _spread(number, 61, 120, 10)
    ways = [f"x^2+{a + b}x+{a * b}", f"(x+{a})(x+{b})", f"x(x+{a + b})+{a * b}"]
    wrong = [f"x^2+{a + b}x+{a * b + more}" for more in range(1, 6)]
    return Sum(f"Expand $(x+{a})(x+{b})$.", ways[0], ways, wrong)


def _radical(number: int) -> Sum:
    factor = _spread(number, 2, 40, 11)
    root = (2, 3, 5, 6, 7, 10, 11, 13)[number // 8 % 8]
    ways = [f"{factor}\\sqrt{{{root}}}", f"\\sqrt{{{factor * factor * root}}}"]
    wrong = [f"{factor + more}\\sqrt{{{root}}}" for more in range(1, 6)]
    return Sum(f"Simplify $\\sqrt{{{factor * factor * root}}}$.", ways[0], ways, wrong)


def _pair(number: int) -> Sum:
    small, large = _spread(number, 2, 400, 12), _spread(number, 401, 900, 13)
    ways = [f"({large + small}, {large - small})", f"({large + small},{large - small})"]
    wrong = [f"({large + small + more}, {large - small})" for more in range(1, 6)]
    question = f"Give sum and difference of ${large}$ and ${small}$ as an ordered pair."
    return Sum(question, ways[0], ways, wrong)


def _decimal(number: int) -> Sum:
    tenths = 2 * _spread(number, 50, 4000, 14) + 1
    ways = [f"{tenths / 2}", f"\\frac{{{tenths}}}{{2}}", f"{tenths / 2}0"]
    wrong = [f"{tenths / 2 + more}" for more in range(1, 6)]
    return Sum(f"What is half of ${tenths}$, as a decimal?", ways[0], ways, wrong)


def _difference(number: int) -> Sum:
    first, second = _spread(number, 5000, 9999, 15), _spread(number, 10, 4000, 16)
    value = first - second
    ways = [f"{value}", f"\\text{{{value}}}", f"{first}-{second}"]
    question = f"What is left of ${first}$ when ${second}$ are taken away?"
    return Sum(question, ways[0], ways, _other_numbers(value))


def _double_angle(number: int) -> Sum:
    """Its second form is beyond the cheap ways of comparing: symbolic algebra decides."""
    times = 2 * _spread(number, 2, 250, 17) + 1
    ways = [f"\\sin({2 * times}x)", f"2\\sin({times}x)\\cos({times}x)"]
    wrong = [f"\\sin({2 * times}x)+{more}" for more in range(1, 6)]
    question = f"Write $2\\sin({times}x)\\cos({times}x)$ as one sine."
    return Sum(question, ways[0], ways, wrong)


def _other_numbers(value: int) -> list[str]:
    return [str(value + more) for more in (1, 10, 2, 100, 7)]


_FORMS: Final[tuple[Callable[[int], Sum], ...]] = (
    _whole,
    _fraction,
    _product,
    _quadratic,
    _radical,
    _pair,
    _decimal,
    _difference,
)
