"""Polynomials over the rationals in atoms: what the normal form of a value is made of.

An atom is a letter or constant (`str`), a prime under a root (`int`), or something opaque: a
function of normal forms, a sum under a root. Exponents are rational and may be negative. Rules that
hold are applied as products are formed: `i` squared is -1, whole powers of primes join the
coefficient, an absolute value squared and a root of a sum raised to its index are what is inside.
Work is counted: past `MAX_WORK` products it stops with `TooMuch`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from factory.grade.math.budget import tick

MAX_WORK: Final = 4000
MAX_BITS: Final = 200_000
"""Longest numerator or denominator that is written out."""
MAX_FACTORED_BITS: Final = 2000
"""Longest number whose prime factors are looked for, powers of two apart."""
MAX_EXPONENT_BITS: Final = 256
MAX_FULL: Final = 64
"""Largest whole power of a sum that is multiplied out."""
MAX_SUM_BITS: Final = 20_000
"""The same where numbers are added: that costs more."""
_BITS_OF_WORK: Final = 512
"""So many bits of two factors cost as much as one product of short ones."""

Atom = Any
Exponent = int | Fraction
Monomial = frozenset[tuple[Atom, Exponent]]
Terms = dict[Monomial, Fraction]
ONE: Final[Monomial] = frozenset()


class TooMuch(Exception):  # noqa: N818 - a finding, not a failure
    """The normal form is too large, or holds what has none; another tier decides."""


class Work:
    """A budget of products; one per comparison."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, products: int) -> None:
        tick(4 * products)
        self.left -= products
        if self.left < 0:
            raise TooMuch


def is_positive(name: Atom, *, letters: bool = False) -> bool:
    """Whether an atom is a positive number, or a letter where `letters` are taken for such."""
    if isinstance(name, int):
        return name > 0
    return name in ("pi", "e") or (letters and isinstance(name, str) and name != "i")


def constant(value: Fraction | int) -> Terms:
    """A rational number."""
    return {ONE: Fraction(value)} if value else {}


def atom(name: Atom, exponent: Exponent = 1) -> Terms:
    """One atom to a power."""
    return {frozenset({(name, whole(exponent))}): Fraction(1)} if exponent else constant(1)


def whole(exponent: Exponent) -> Exponent:
    """The exponent as an `int` where it is one."""
    return exponent.numerator if exponent.denominator == 1 else exponent


def add(left: Terms, right: Terms, factor: int = 1) -> Terms:
    """`left + factor * right`."""
    total = dict(left)
    for monomial, coefficient in right.items():
        value = total.get(monomial, 0) + factor * coefficient
        if value:
            total[monomial] = check(value, MAX_SUM_BITS)
        else:
            total.pop(monomial, None)
    return total


def times(left: Terms, right: Terms, work: Work) -> Terms:
    """The product."""
    work.spend(len(left) * len(right))
    total: Terms = {}
    for one, first in left.items():
        for other, second in right.items():
            work.spend((bits(first) + bits(second)) // _BITS_OF_WORK)
            coefficient = check(first * second)
            if (not one or not other) and not _is_huge(one or other):
                product = {one or other: coefficient}
            else:
                product = _join(one, other, coefficient, work)
            for monomial, value in product.items():
                value += total.get(monomial, 0)
                if value:
                    total[monomial] = value
                else:
                    total.pop(monomial, None)
    return total


def check(value: Fraction, limit: int = MAX_BITS) -> Fraction:
    """The value.

    Raises:
        TooMuch: It is longer than `limit` bits.
    """
    if bits(value) > limit:
        raise TooMuch
    return value


def bits(value: Fraction) -> int:
    """Length of the longer of numerator and denominator."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def power(base: Terms, exponent: int, work: Work) -> Terms:
    """A whole power that is not negative, by squaring."""
    result = constant(1)
    while exponent:
        if exponent & 1:
            result = times(result, base, work)
        exponent >>= 1
        if exponent:
            base = times(base, base, work)
    return result


def monomial_terms(exponents: dict[Atom, Exponent], coefficient: Fraction, work: Work) -> Terms:
    """A monomial after the rules: usually one term, several where a root of a sum dissolves."""
    kept: list[tuple[Atom, Exponent]] = []
    inside: list[Terms] = []
    for name, exponent in exponents.items():
        if not exponent:
            continue
        if exponent.denominator.bit_length() > MAX_EXPONENT_BITS:
            raise TooMuch
        if name == "i":
            turns = exponent % 4
            if turns.denominator != 1:
                raise TooMuch
            if turns >= 2:
                coefficient = -coefficient
            if turns % 2:
                kept.append(("i", 1))
        elif isinstance(name, int):
            full = exponent.__floor__()
            if abs(full) * name.bit_length() > MAX_BITS:
                coefficient, exponent = _gathered(coefficient, name, exponent)
                kept.append((name, whole(exponent)))
                continue
            if full:
                coefficient *= Fraction(name) ** full
            if exponent != full:
                kept.append((name, exponent - full))
        elif isinstance(name, tuple) and name[0] in ("abs", "root"):
            full = exponent.__floor__() // 2 * 2 if name[0] == "abs" else exponent.__floor__()
            if full < 0 or full > MAX_FULL:
                kept.append((name, whole(exponent)))
                continue
            if full:
                inside.append(power(dict(name[1]), full, work))
            if exponent != full:
                kept.append((name, whole(exponent - full)))
        else:
            kept.append((name, whole(exponent)))
    result: Terms = {frozenset(kept): check(coefficient)}
    for factor in inside:
        result = times(result, factor, work)
    return result


def _is_huge(monomial: Monomial) -> bool:
    return any(isinstance(name, int) and exponent > 1 for name, exponent in monomial)


def _gathered(coefficient: Fraction, prime: int, exponent: Exponent) -> tuple[Fraction, Exponent]:
    """Powers of a prime in the coefficient, moved to its exponent."""
    while coefficient.numerator % prime == 0:
        coefficient, exponent = coefficient / prime, exponent + 1
    while coefficient.denominator % prime == 0:
        coefficient, exponent = coefficient * prime, exponent - 1
    return coefficient, exponent


def _join(one: Monomial, other: Monomial, coefficient: Fraction, work: Work) -> Terms:
    exponents = dict(one)
    for name, exponent in other:
        exponents[name] = exponents.get(name, 0) + exponent
    return monomial_terms(exponents, coefficient, work)


def factors(number: int) -> dict[int, int] | None:
    """Prime factors of a positive number; None where a rest without small factors is no prime
    for sure."""
    found: dict[int, int] = {}
    if number.bit_length() > MAX_FACTORED_BITS and number & (number - 1):
        return None
    if not number & (number - 1):
        return {2: number.bit_length() - 1} if number > 1 else {}
    for prime in _SMALL_PRIMES:
        tick()
        if prime * prime > number:
            break
        while number % prime == 0:
            number //= prime
            found[prime] = found.get(prime, 0) + 1
    if number > 1:
        if number > _SMALL_PRIMES[-1] ** 2:
            return None
        found[number] = found.get(number, 0) + 1
    return found


_SMALL_PRIMES: Final = [
    number for number in range(2, 1000) if all(number % d for d in range(2, int(number**0.5) + 1))
]
