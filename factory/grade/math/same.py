"""Decisions by normal forms: equal or not, one equation or another, the root of a linear value.

Equal normal forms are a proof that two values are equal wherever both are defined. Different ones
are a proof that they differ if only atoms are left that are algebraically independent: letters,
roots of primes, `i`, and one of pi and e. Else, and for what has no normal form, the answer is None
and another tier decides.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from factory.grade.math.normal import Normal
from factory.grade.math.polynomial import ONE, Terms, TooMuch, add, times
from factory.grade.math.powers import UNIT
from factory.grade.math.tree import Node
from factory.grade.math.waves import Waves, has_waves


def same_normal(left: Node, right: Node, *, positive: bool = False) -> bool | None:
    """Whether two values are equal: proven, refuted, or None."""
    difference = _difference(Normal(positive=positive), left, right)
    if difference is None:
        return None
    if not difference:
        return True
    return False if _independent(difference) else None


def same_waves(left: Node, right: Node, *, positive: bool = False) -> bool:
    """Whether two values are proven equal once sines and their kin are sums of exponentials."""
    if not (has_waves(left) or has_waves(right)):
        return False
    return _difference(Waves(positive=positive), left, right) == {}


def _difference(normal: Normal, left: Node, right: Node) -> Terms | None:
    """Numerator of the difference; None where there is no normal form."""
    try:
        one, other = normal.ratio(left), normal.ratio(right)
        if not one[1] or not other[1]:
            return None
        if one[1] == other[1]:
            return add(one[0], other[0], -1)
        tops = times(one[0], other[1], normal.work), times(other[0], one[1], normal.work)
        return add(*tops, -1)
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None


def proportional(left: Node, right: Node) -> bool | None:
    """Whether `left = 0` and `right = 0` are one equation up to a constant factor, or None."""
    normal = Normal()
    try:
        one, other = _cleared(normal.ratio(left)[0]), _cleared(normal.ratio(right)[0])
        if not one or not other:
            return not one and not other
        first, second = _by_letters(one), _by_letters(other)
        if first.keys() != second.keys():
            return False if _independent(one) and _independent(other) else None
        reference = next(iter(first))
        for letters, part in first.items():
            crossed = add(
                times(part, second[reference], normal.work),
                times(second[letters], first[reference], normal.work),
                -1,
            )
            if crossed:
                return False if _independent(one) and _independent(other) else None
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    return True


def _cleared(terms: Terms) -> Terms:
    """The terms of an equation times the letters that stand in their denominators."""
    lowest: dict[Any, Any] = {}
    for monomial in terms:
        for name, exponent in monomial:
            if isinstance(name, str) and exponent < lowest.get(name, 0):
                lowest[name] = exponent
    if not lowest:
        return terms
    cleared: Terms = {}
    for monomial, part in terms.items():
        exponents = dict(monomial)
        for name, exponent in lowest.items():
            exponents[name] = exponents.get(name, 0) - exponent
        cleared[frozenset(pair for pair in exponents.items() if pair[1])] = part
    return cleared


def ratio_of(left: Node, right: Node) -> Fraction | None:
    """The rational `c` with `left = c * right`; None where there is none, or it is not seen."""
    normal = Normal()
    try:
        one, other = normal.ratio(left), normal.ratio(right)
        if one[1] != other[1] or one[0].keys() != other[0].keys() or not one[0]:
            return None
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    ratios = {part / other[0][monomial] for monomial, part in one[0].items()}
    return ratios.pop() if len(ratios) == 1 else None


def linear(node: Node) -> tuple[Fraction, Fraction] | None:
    """Slope and root of a value that is linear in its one letter, both rational; else None."""
    try:
        top, bottom = Normal().ratio(node)
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    if bottom != UNIT:
        return None
    slopes = [monomial for monomial in top if monomial != ONE]
    if len(slopes) != 1 or len(slopes[0]) != 1:
        return None
    ((name, exponent),) = slopes[0]
    if exponent != 1 or not isinstance(name, str) or _is_constant(name):
        return None
    slope = top[slopes[0]]
    return slope, -top.get(ONE, Fraction(0)) / slope


def _by_letters(terms: Terms) -> dict[Any, Terms]:
    """Coefficients without letters, by the monomial of letters that they stand before."""
    found: dict[Any, Terms] = {}
    for monomial, part in terms.items():
        constants = frozenset(pair for pair in monomial if _is_constant(pair[0]))
        found.setdefault(monomial - constants, {})[constants] = part
    return found


def _is_constant(name: Any) -> bool:
    return isinstance(name, int) or name in ("pi", "e", "i")


def _independent(terms: Terms) -> bool:
    names = {(name, exponent) for monomial in terms for name, exponent in monomial}
    if len(terms) == 2 and all(isinstance(name, int) for name, _ in names):
        return True  # powers of primes too large to write out: they factor in one way
    transcendental = {name for name, _ in names} & {"pi", "e"}
    return len(transcendental) < 2 and all(
        isinstance(name, str) or (isinstance(name, int) and 0 < exponent < 1)
        for name, exponent in names
    )
