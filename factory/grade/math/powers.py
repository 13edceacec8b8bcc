"""Quotients of polynomials added, multiplied, turned over and raised to powers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Final

from factory.grade.math.angles import cosine, sine
from factory.grade.math.exact import exact
from factory.grade.math.polynomial import (
    MAX_BITS,
    MAX_FULL,
    ONE,
    Terms,
    TooMuch,
    Work,
    add,
    atom,
    constant,
    factors,
    is_positive,
    monomial_terms,
    power,
    times,
    whole,
)
from factory.grade.math.tree import (
    Node,
)

Ratio = tuple[Terms, Terms]
"""Numerator and denominator."""
UNIT: Final[Terms] = {ONE: Fraction(1)}


class Powers(ABC):
    """Arithmetic of the normal forms of one comparison, which share a budget."""

    def __init__(self, *, positive: bool = False) -> None:
        self.work = Work()
        self.positive = positive
        self.factorials: list[Terms] = []

    @abstractmethod
    def ratio(self, node: Node) -> Ratio: ...

    def _add(self, left: Ratio, right: Ratio) -> Ratio:
        if left[1] == right[1]:
            return add(left[0], right[0]), left[1]
        tops = (
            times(left[0], right[1], self.work),
            times(right[0], left[1], self.work),
        )
        return add(*tops), times(left[1], right[1], self.work)

    def _times(self, left: Ratio, right: Ratio) -> Ratio:
        if left[1] is UNIT and right[1] is UNIT:
            return times(left[0], right[0], self.work), UNIT
        bottom = times(left[1], right[1], self.work)
        return times(left[0], right[0], self.work), bottom

    def _inverse(self, ratio: Ratio) -> Ratio:
        top, bottom = ratio
        if not top:
            raise TooMuch
        if len(top) == 1:
            ((monomial, coefficient),) = top.items()
            turned = {name: -exponent for name, exponent in monomial}
            inverse = monomial_terms(turned, 1 / coefficient, self.work)
            return times(bottom, inverse, self.work), UNIT
        return bottom, top

    # ------------------------------------------------------------------------------------- powers

    def _power(self, base: Node, exponent: Node) -> Ratio:
        value = exact(exponent)
        if value is None:
            return self._exponential(base, exponent)
        ratio = self.ratio(base)
        if value < 0:
            ratio, value = self._inverse(ratio), -value
        top, bottom = (self._to(part, value) for part in ratio)
        if value == 0:
            if not ratio[0]:
                raise TooMuch  # zero to the power of zero
            return constant(1), UNIT
        return self._times(top, self._inverse(bottom)) if bottom[0] != UNIT else top

    def _to(self, terms: Terms, value: Fraction) -> Ratio:
        """A polynomial to a positive rational power; its sign stays where the root is real."""
        if not terms or terms == UNIT:
            return terms, UNIT
        if len(terms) > 1:
            return self._sum_to(terms, value), UNIT
        ((monomial, coefficient),) = terms.items()
        if value.denominator == 1:
            turned = {name: whole(exponent * value) for name, exponent in monomial}
            return self._scaled(coefficient, value, turned), UNIT
        even = value.denominator % 2 == 0
        turned: dict[Any, Any] = {}
        inside: list[tuple[Any, Any]] = []
        for name, exponent in monomial:
            if isinstance(name, int) or name in ("pi", "e"):
                turned[name] = exponent * value
            elif isinstance(name, str) and name != "i":
                result = exponent * value
                if even and _is_even(exponent) and not self.positive and not _is_even(result):
                    turned["abs", frozenset({(frozenset({(name, 1)}), Fraction(1))})] = result
                else:
                    turned[name] = result
            elif isinstance(name, tuple) and name[0] in ("abs", "root") and exponent > 0:
                if even and name[0] == "root" and _is_even(exponent):
                    raise TooMuch  # what is inside may be negative, and so may its root
                turned[name] = exponent * value
            else:
                inside.append((name, exponent))
        if inside:
            raise TooMuch
        return self._scaled(coefficient, value, turned), UNIT

    def _scaled(self, coefficient: Fraction, value: Fraction, turned: dict[Any, Any]) -> Terms:
        """`coefficient ** value` times a monomial."""
        negative = coefficient < 0
        number = abs(coefficient)
        if value.denominator == 1:
            size = max(number.numerator.bit_length(), number.denominator.bit_length())
            if number == 1 or size * value <= MAX_BITS:
                self.work.spend(int(size * value) // 512)
                sign = -1 if negative and value % 2 else 1
                return monomial_terms(turned, sign * number ** int(value), self.work)
        for part, sign in ((number.numerator, 1), (number.denominator, -1)):
            found = factors(part)
            if found is None:
                turned["root", frozenset({(ONE, Fraction(part))})] = sign * value
                continue
            for prime, count in found.items():
                turned[prime] = turned.get(prime, 0) + sign * count * value
        sign = 1
        if negative:
            if value.denominator == 2:
                turned["i"] = value.numerator
            elif value.denominator % 2 == 0:
                raise TooMuch
            elif value.numerator % 2:
                sign = -1
        return monomial_terms(turned, Fraction(sign), self.work)

    def _sum_to(self, terms: Terms, value: Fraction) -> Terms:
        if value.denominator == 1:
            if value > MAX_FULL:
                return atom(("root", frozenset(terms.items())), value)
            return power(terms, int(value), self.work)
        content = common_part(terms)
        primitive = {monomial: part / content for monomial, part in terms.items()}
        outside = self._scaled(content, value, {})
        opaque = monomial_terms(
            {("root", frozenset(primitive.items())): value}, Fraction(1), self.work
        )
        return times(outside, opaque, self.work)

    def _exponential(self, base: Node, exponent: Node) -> Ratio:
        """A power with letters or irrational numbers in its exponent, split over its terms."""
        top, bottom = self.ratio(exponent)
        if bottom != UNIT:
            raise TooMuch
        basis = self.ratio(base)
        if basis[1] != UNIT or len(basis[0]) != 1:
            raise TooMuch
        ((monomial, coefficient),) = basis[0].items()
        bases: list[tuple[Any, Fraction | int]] = list(monomial)
        if coefficient < 0:
            bases.append((-1, 1))
        for part, sign in ((abs(coefficient).numerator, 1), (abs(coefficient).denominator, -1)):
            found = factors(part)
            if found is None:
                raise TooMuch
            bases += [(prime, sign * count) for prime, count in found.items()]
        result: Terms = constant(1)
        for name, count in bases:
            apart = (top.get(ONE, Fraction(0)) * count).denominator == 1
            if not is_positive(name, letters=self.positive) and not (count == 1 and apart):
                raise TooMuch  # a root of it does not split off: its sign would be lost
            for term, factor in top.items():
                result = times(result, self._one_power(name, term, factor * count), self.work)
        return result, UNIT

    def _one_power(self, name: Any, term: Any, factor: Fraction) -> Terms:
        if term == ONE:
            if name == -1:
                if factor.denominator != 1:
                    raise TooMuch
                return constant(-1 if factor % 2 else 1)
            return monomial_terms({name: factor}, Fraction(1), self.work)
        if name == "e" and term == frozenset({("i", 1), ("pi", 1)}):
            real, imaginary = cosine(factor), sine(factor)
            if real is None or imaginary is None:
                raise TooMuch
            return add(real, times(imaginary, atom("i"), self.work))
        return atom(("pow", name, term), factor)


def _is_even(exponent: Any) -> bool:
    """Whether a power loses the sign of its base: 2, and 2/3."""
    return exponent.denominator % 2 == 1 and exponent.numerator % 2 == 0


def common_part(terms: Terms) -> Fraction:
    """The positive rational by which all coefficients can be divided and stay whole."""
    tops = [abs(part.numerator) for part in terms.values()]
    return Fraction(gcd(*tops), lcm(*(part.denominator for part in terms.values())))
