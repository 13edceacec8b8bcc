"""The complex conjugate of a polynomial in atoms; letters are real."""

from __future__ import annotations

from typing import Any

from factory.grade.math.polynomial import Terms, TooMuch


def conjugate(terms: Terms) -> Terms:
    """The complex conjugate.

    Raises:
        TooMuch: It is not known.
    """
    turned: Terms = {}
    for monomial, coefficient in terms.items():
        names: set[tuple[Any, Any]] = set()
        for name, exponent in monomial:
            if name == "i":
                coefficient = -coefficient  # its exponent is 1
            elif is_turn(name) and isinstance(name[1], str | int) and name[1] != "i":
                exponent = -exponent
            elif _mentions_i(name):
                raise TooMuch
            names.add((name, exponent))
        turned[frozenset(names)] = coefficient
    return turned


def is_turn(name: Any) -> bool:
    """Whether an atom is a power with `i` in its exponent."""
    return isinstance(name, tuple) and name[0] == "pow" and any(one == "i" for one, _ in name[2])


def _mentions_i(name: Any) -> bool:
    if isinstance(name, tuple | frozenset):
        return any(map(_mentions_i, name))
    return name == "i"
