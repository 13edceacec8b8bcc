"""The complex conjugate of a polynomial in atoms; letters are real."""

from __future__ import annotations

from typing import Any

from factory.grade.math.polynomial import Terms, TooMuch


def conjugate(terms: Terms) -> Terms:
    """The complex conjugate; what `i` does not stand in is taken for real.

    Raises:
        TooMuch: It is not known: beside `i` stands a root or function that may not be real.
    """
    if not any(_mentions_i(name) for monomial in terms for name, _ in monomial):
        return terms
    turned: Terms = {}
    for monomial, coefficient in terms.items():
        names: set[tuple[Any, Any]] = set()
        for name, exponent in monomial:
            if name == "i":
                coefficient = -coefficient  # its exponent is 1
            elif is_turn(name) and _is_real(name[1], 1):
                if not all(one == "i" or _is_real(one, power) for one, power in name[2]):
                    raise TooMuch
                exponent = -exponent
            elif not _is_real(name, exponent):
                raise TooMuch
            names.add((name, exponent))
        turned[frozenset(names)] = coefficient
    return turned


def is_turn(name: Any) -> bool:
    """Whether an atom is a power with `i` in its exponent."""
    return isinstance(name, tuple) and name[0] == "pow" and any(one == "i" for one, _ in name[2])


def _is_real(name: Any, exponent: Any) -> bool:
    """Of a number, and of a letter to a whole power."""
    if isinstance(name, int) or name in ("pi", "e"):
        return True
    return isinstance(name, str) and name != "i" and exponent.denominator == 1


def _mentions_i(name: Any) -> bool:
    if isinstance(name, tuple | frozenset):
        return any(map(_mentions_i, name))
    return name == "i"
