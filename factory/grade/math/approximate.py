"""Values of a tree in doubles with a bound of their error: refutes quickly, proves nothing.

Letters get fixed values; where both sides have a value at a point and differ there by more than
their errors, they are not equal. What has no value in doubles (too large, singular, unknown) is
skipped, so that another tier decides.
"""

from __future__ import annotations

import cmath
import random
from fractions import Fraction
from math import comb, inf, isfinite, lgamma
from typing import Final

from factory.grade.math.budget import tick
from factory.grade.math.exact import NotExact, based
from factory.grade.math.spread import symbols
from factory.grade.math.tree import (
    CONSTANTS,
    Based,
    Function,
    Node,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Sum,
    Symbol,
)

EPSILON: Final = 4e-16
TRIES: Final = 8
WANTED: Final = 3
"""Points at which letters are tried, and at which both sides must have a value."""
_LARGEST: Final = 1e150
_DOUBTFUL: Final = 1e-4
"""A value with a larger relative error is none."""

_SIGNS: Final = ((1.0,), (-1.0,), (1.0, -1.0))
"""Signs of the letters at one point after the other."""

Value = tuple[complex, float]
"""A value and a bound of its absolute error."""


class NoValue(Exception):  # noqa: N818 - a finding, not a failure
    """The tree has no value in doubles."""


class Point:
    """Values of the letters."""

    def __init__(self, letters: frozenset[str], seed: int, *, positive: bool) -> None:
        rng = random.Random(seed)
        signs = _SIGNS[0 if positive else seed % len(_SIGNS)]
        self.letters = {name: rng.uniform(0.3, 2.7) * rng.choice(signs) for name in sorted(letters)}

    def value(self, node: Node) -> Value:
        """Value and error.

        Raises:
            NoValue: There is none.
        """
        tick()
        try:
            value, error = self._value(node)
        except (ZeroDivisionError, OverflowError, ValueError, NotExact):
            raise NoValue from None
        size = abs(value)
        if not isfinite(size) or size > _LARGEST or not error <= max(size, 1e-3) * _DOUBTFUL:
            raise NoValue
        return value, error + size * EPSILON

    def _value(self, node: Node) -> Value:
        match node:
            case Number(value):
                return _float(value), 0.0
            case Symbol(name):
                if name in _CONSTANTS:
                    return _CONSTANTS[name], 0.0
                if name == "oo":
                    raise NoValue
                return complex(self.letters[name]), 0.0
            case Sum(terms):
                parts = [self.value(term) for term in terms]
                largest = max(abs(value) for value, _ in parts)
                total = sum(value for value, _ in parts)
                error = sum(error for _, error in parts) + len(parts) * largest * EPSILON
                return total, error
            case Product(factors):
                result: Value = (1 + 0j, 0.0)
                for factor in factors:
                    result = _times(result, self.value(factor))
                return result
            case Quotient(top, bottom):
                return _divided(self.value(top), self.value(bottom))
            case Power(base, exponent):
                return _power(self.value(base), self.value(exponent))
            case Quantity(value, "%"):
                return _divided(self.value(value), (100 + 0j, 0.0))
            case Quantity(value, "degree"):
                return _times(self.value(value), (complex(cmath.pi / 180), 0.0))
            case Quantity(value, _):
                return self.value(value)
            case Based(digits, base):
                return _float(Fraction(based(digits, base))), 0.0
            case Function(name, arguments):
                return _function(name, [self.value(argument) for argument in arguments])
            case _:
                raise NoValue


_CONSTANTS: Final = {"pi": complex(cmath.pi), "e": complex(cmath.e), "i": 1j}


def _float(value: Fraction) -> complex:
    if value and not 1e-150 < abs(value) < 1e150:
        raise NoValue
    return complex(float(value))


def _times(left: Value, right: Value) -> Value:
    return (
        left[0] * right[0],
        abs(left[0]) * right[1] + abs(right[0]) * left[1] + left[1] * right[1],
    )


def _divided(left: Value, right: Value) -> Value:
    size = abs(right[0])
    if size <= 2 * right[1]:
        raise NoValue
    quotient = left[0] / right[0]
    return quotient, (left[1] + abs(quotient) * right[1]) / (size - right[1])


def _power(base: Value, exponent: Value) -> Value:
    x, y = base[0], exponent[0]
    if abs(x) <= 2 * base[1]:
        if x == 0 == base[1] and y.real > 0:
            return 0j, 0.0
        raise NoValue
    if x.imag == 0 and x.real < 0 and y.imag == 0 and not y.real.is_integer():
        raise NoValue  # which root is meant is for another tier
    logarithm = cmath.log(x)
    if abs(y * logarithm) > 300:
        raise NoValue
    result = x**y
    relative = abs(y) * base[1] / abs(x) + abs(logarithm) * exponent[1]
    return result, abs(result) * (relative + abs(y * logarithm) * EPSILON) * 2


def _function(name: str, values: list[Value]) -> Value:
    (x, error), *rest = values
    if name == "root":
        return _root(values[0], values[1])
    if name == "abs":
        return complex(abs(x)), error
    if name in ("floor", "ceiling"):
        if x.imag or abs(x) > 1e9 or abs(x.real - round(x.real)) <= 1e-9 + 2 * error:
            raise NoValue
        return complex((x.real.__floor__ if name == "floor" else x.real.__ceil__)()), 0.0
    if name in ("factorial", "binomial"):
        return _counting(name, values)
    if name in ("min", "max"):
        if any(value.imag for value, _ in values):
            raise NoValue
        chosen = (min if name == "min" else max)(value.real for value, _ in values)
        return complex(chosen), max(error for _, error in values)
    if rest or name not in _SLOPES or abs(x) > 1e4:
        raise NoValue
    function, slope = _SLOPES[name]
    value = function(x)
    steep = slope(x, value)
    if not isfinite(steep) or steep > 1e8:
        raise NoValue
    return value, steep * (error + abs(x) * EPSILON) * 2


def _root(value: Value, index: Value) -> Value:
    x, error = value
    if x.imag == 0 and x.real < 0 and index[0] in (3, 5, 7, 9):
        result, bound = _power((-x, error), (1 / index[0], 0.0))
        return -result, bound
    if x.imag == 0 and x.real < 0 and index[0] == 2:
        result, bound = _power((-x, error), (0.5 + 0j, 0.0))
        return result * 1j, bound
    return _power(value, _divided((1 + 0j, 0.0), index))


def _counting(name: str, values: list[Value]) -> Value:
    whole = [round(value.real) for value, _ in values]
    near = all(abs(value - n) <= 2 * e for (value, e), n in zip(values, whole, strict=True))
    if not near or not all(0 <= n <= 10_000 for n in whole):
        raise NoValue
    if name == "binomial":
        return _float(Fraction(comb(*whole))), 0.0
    if whole[0] > 90:
        raise NoValue
    return complex(cmath.exp(lgamma(whole[0] + 1))), abs(cmath.exp(lgamma(whole[0] + 1))) * 1e-12


_SLOPES: Final = {
    "sin": (cmath.sin, lambda x, _: abs(cmath.cos(x))),
    "cos": (cmath.cos, lambda x, _: abs(cmath.sin(x))),
    "tan": (cmath.tan, lambda _, v: 1 + abs(v) ** 2),
    "cot": (lambda x: 1 / cmath.tan(x), lambda _, v: 1 + abs(v) ** 2),
    "sec": (lambda x: 1 / cmath.cos(x), lambda x, v: abs(v * cmath.tan(x))),
    "csc": (lambda x: 1 / cmath.sin(x), lambda x, v: abs(v / cmath.tan(x))),
    "arcsin": (cmath.asin, lambda x, _: abs(1 / cmath.sqrt(1 - x * x)) if x * x != 1 else inf),
    "arccos": (cmath.acos, lambda x, _: abs(1 / cmath.sqrt(1 - x * x)) if x * x != 1 else inf),
    "arctan": (cmath.atan, lambda x, _: abs(1 / (1 + x * x))),
    "sinh": (cmath.sinh, lambda x, _: abs(cmath.cosh(x))),
    "cosh": (cmath.cosh, lambda x, _: abs(cmath.sinh(x))),
    "tanh": (cmath.tanh, lambda _, v: 1 + abs(v) ** 2),
    "ln": (cmath.log, lambda x, _: abs(1 / x)),
    "log": (cmath.log10, lambda x, _: abs(1 / x)),
    "exp": (cmath.exp, lambda _, v: abs(v)),
}
"""Each function with the size of its slope at a value."""


def differ(left: Node, right: Node, *, positive: bool = False) -> bool | None:
    """Whether two values differ: True where they do, False where they agree at all points that
    were tried, None where too few points have a value."""
    letters = (symbols(left) | symbols(right)) - CONSTANTS
    agreed = 0
    for seed in range(TRIES):
        point = Point(letters, seed, positive=positive)
        try:
            one, first = point.value(left)
            other, second = point.value(right)
        except NoValue:
            if not letters:
                return None
            continue
        if letters and (abs(one.imag) <= first) != (abs(other.imag) <= second):
            continue  # real on one side only: a point outside the domain of the other
        if abs(one - other) > 4 * (first + second):
            return True
        agreed += 1
        if agreed == (WANTED if letters else 1):
            return False
    return None


def real_value(node: Node) -> tuple[float, float] | None:
    """The value of a real constant with the bound of its error, None where it has none."""
    if symbols(node) - CONSTANTS:
        return None
    try:
        value, error = Point(frozenset(), 0, positive=True).value(node)
    except (NoValue, RecursionError):
        return None
    return (value.real, error) if abs(value.imag) <= error else None
