"""Exact values of numbers: a fraction where a tree is rational, cheaply, else None."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, gcd, isqrt, lcm, prod
from typing import Final

from factory.grade.math.budget import tick
from factory.grade.math.tree import (
    Based,
    Function,
    Node,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Sum,
)

MAX_BITS: Final = 30_000
"""Numerators and denominators past this are left to the worker."""
MAX_FACTORIAL: Final = 2500


class NotExact(Exception):  # noqa: N818 - a finding, not a failure
    """The tree is not rational, or its value is too large for this tier."""


def exact(node: Node) -> Fraction | None:
    """The value of a rational tree; None where it is not rational, too large, or 1/0."""
    try:
        return _value(node)
    except (NotExact, ZeroDivisionError):
        return None


def _value(node: Node) -> Fraction:
    tick()
    match node:
        case Number(value):
            return value
        case Sum(terms):
            total = Fraction(0)
            for term in terms:
                total = _small(total + _value(term))
            return total
        case Product(factors):
            result = Fraction(1)
            for factor in factors:
                result = _small(result * _value(factor))
            return result
        case Quotient(top, bottom):
            return _small(_value(top) / _value(bottom))
        case Power(base, exponent):
            return _power(_value(base), _value(exponent))
        case Quantity(value, "%"):
            return _value(value) / 100
        case Based(digits, base):
            return Fraction(based(digits, base))
        case Function(name, arguments):
            return _function(name, [_value(argument) for argument in arguments])
        case _:
            raise NotExact


def based(digits: str, base: int) -> int:
    """The value of digits in a base.

    Raises:
        NotExact: A digit is not one of the base, or there are too many.
    """
    if len(digits) > 2000:
        raise NotExact
    try:
        return int(digits, base)
    except ValueError:
        raise NotExact from None


def _function(name: str, values: list[Fraction]) -> Fraction:
    whole = [int(value) for value in values if value.denominator == 1]
    if name == "abs":
        return abs(values[0])
    if name == "floor":
        return Fraction(values[0].__floor__())
    if name == "ceiling":
        return Fraction(values[0].__ceil__())
    if name in ("min", "max"):
        return min(values) if name == "min" else max(values)
    if len(whole) != len(values):
        raise NotExact
    if name in ("gcd", "lcm"):
        if sum(number.bit_length() for number in whole) > MAX_BITS:
            raise NotExact
        return Fraction(gcd(*whole) if name == "gcd" else lcm(*whole))
    if not all(0 <= number <= MAX_FACTORIAL for number in whole):
        raise NotExact
    if name == "factorial":
        return Fraction(factorial(whole[0]))
    if name == "double factorial":
        return Fraction(prod(range(whole[0], 0, -2)))
    if name == "binomial" and len(whole) == 2:
        return Fraction(comb(whole[0], whole[1]))
    if name == "root" and values[1] == 2:
        return _square_root(values[0])
    raise NotExact


def _square_root(value: Fraction) -> Fraction:
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top != value.numerator or bottom * bottom != value.denominator:
        raise NotExact
    return Fraction(top, bottom)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > MAX_BITS:
        raise NotExact
    if base == 0 and exponent <= 0:
        raise NotExact
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if size * abs(exponent) > MAX_BITS:
        raise NotExact
    return base ** int(exponent)


def _small(value: Fraction) -> Fraction:
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits > MAX_BITS:
        raise NotExact
    tick(bits // 64)
    return value
