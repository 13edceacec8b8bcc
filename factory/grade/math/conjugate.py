"""The complex conjugate of a polynomial in atoms; letters are real, and so are functions and roots
of them where they are defined.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from factory.grade.math.polynomial import Terms, TooMuch, is_positive

_PARTLY_REAL: Final = frozenset({"arcsin", "arccos", "arcsec", "arccsc", "arcosh", "artanh"})
"""Functions, beside the logarithm, that are complex at some real numbers."""


def conjugate(terms: Terms, *, positive: bool) -> Terms:
    """The complex conjugate.

    Args:
        positive: Letters are positive.

    Raises:
        TooMuch: It is not known: a number may be complex, or something beside `i`.
    """
    names = {name for monomial in terms for name, _ in monomial}
    if not any(map(may_be_complex, names)):
        return terms
    turned: Terms = {}
    for monomial, coefficient in terms.items():
        kept: set[tuple[Any, Any]] = set()
        for name, exponent in monomial:
            if name == "i":
                coefficient = -coefficient  # its exponent is 1
            elif _is_turn(name, positive=positive):
                exponent = -exponent
            elif not _is_real(name, exponent):
                raise TooMuch
            kept.add((name, exponent))
        turned[frozenset(kept)] = coefficient
    return turned


def may_be_complex(name: Any) -> bool:
    """Whether `i` stands in an atom, or what may give it: a power of -1, a root or function of
    numbers that need not lie where it is real."""
    if name == "i":
        return True
    if isinstance(name, tuple) and name:
        if name[0] == "pow" and name[1] == -1:
            return True
        if name[0] == "function" and name[1] in _PARTLY_REAL and not _has_letters(name[2:]):
            return True
        rooted = name[0] == "root" or name[:2] == ("function", "ln")
        if rooted and not _has_letters(name[1:]) and not _is_positive_product(name[-1]):
            return True
    return isinstance(name, tuple | frozenset) and any(map(may_be_complex, name))


def _has_letters(part: Any) -> bool:
    """Whether a letter stands in it: a name with its exponent."""
    match part:
        case (str() as name, int() | Fraction()):
            return name not in ("i", "e", "pi")
        case tuple() | frozenset():
            return any(map(_has_letters, part))
        case _:
            return False


def _is_positive_product(inner: frozenset[Any]) -> bool:
    """Whether a polynomial is a product of positive numbers, as in `ln 2`."""
    if len(inner) != 1:
        return False
    ((monomial, coefficient),) = inner
    return coefficient > 0 and all(is_positive(name) for name, _ in monomial)


def _is_turn(name: Any, *, positive: bool) -> bool:
    """Whether it is a positive number to a power of `i` times something real: its conjugate is the
    same turned the other way."""
    if not (isinstance(name, tuple) and name[0] == "pow" and any(one == "i" for one, _ in name[2])):
        return False
    real = all(one == "i" or _is_real(one, power) for one, power in name[2])
    return real and is_positive(name[1], letters=positive)


def _is_real(name: Any, exponent: Any) -> bool:
    """Of a positive number, and of a letter to a whole power."""
    if is_positive(name):
        return True
    return isinstance(name, str) and name != "i" and exponent.denominator == 1
