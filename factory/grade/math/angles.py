"""Exact sine and cosine of the multiples of 15 degrees."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from factory.grade.math.polynomial import Terms

_HALF: Final = Fraction(1, 2)
_QUARTER: Final = Fraction(1, 4)


def _root(*primes: int) -> frozenset[tuple[int, Fraction]]:
    return frozenset((prime, _HALF) for prime in primes)


_FIRST: Final[list[Terms]] = [
    {},
    {_root(2, 3): _QUARTER, _root(2): -_QUARTER},
    {_root(): _HALF},
    {_root(2): _HALF},
    {_root(3): _HALF},
    {_root(2, 3): _QUARTER, _root(2): _QUARTER},
    {_root(): Fraction(1)},
]
"""Sines of 0, 15, …, 90 degrees."""


def sine(half_turns: Fraction) -> Terms | None:
    """The sine of `half_turns` times pi; None where it is no multiple of 15 degrees."""
    steps = half_turns % 2 * 12
    if steps.denominator != 1:
        return None
    quadrant, step = divmod(int(steps), 6)
    value = _FIRST[step if quadrant % 2 == 0 else 6 - step]
    return value if quadrant < 2 else {monomial: -part for monomial, part in value.items()}


def cosine(half_turns: Fraction) -> Terms | None:
    """The cosine of `half_turns` times pi; None where it is no multiple of 15 degrees."""
    return sine(half_turns + _HALF)
