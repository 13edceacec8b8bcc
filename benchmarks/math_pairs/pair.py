"""What a pair is, and how its label is decided: by value, at fifty digits, never by a grader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sympy

FIGURES: Final = 50
"""Constants are compared at so many digits."""
POLICY_FIGURES: Final = 6
"""A decimal with so many significant digits or more stands for the exact value it rounds."""


@dataclass(frozen=True)
class Pair:
    """A gold, an answer and whether the answer is right; both as they stand in a box."""

    kind: str
    gold: str
    answer: str
    equal: bool


@dataclass(frozen=True)
class Form:
    """A text and the value that it was written from; `equal` where policy, not value, decides."""

    text: str
    value: sympy.Expr
    equal: bool | None = None


@dataclass(frozen=True)
class Change:
    """A text of which construction alone says whether it is the gold."""

    text: str
    equal: bool


def same_value(one: sympy.Expr, other: sympy.Expr) -> bool | None:
    """Whether two values are equal; None where fifty digits do not tell.

    Rational functions of letters are compared exactly, constants numerically: less than 1e-40
    apart, relative to their size, is equal, more than 1e-12 is not.
    """
    if one.free_symbols or other.free_symbols:
        return bool(sympy.cancel(sympy.together(one - other)) == 0)
    one_n, other_n = sympy.N(one, FIGURES), sympy.N(other, FIGURES)
    size = max(sympy.Abs(one_n), sympy.Abs(other_n), sympy.Integer(1))
    apart = sympy.Abs(sympy.N(one - other, FIGURES, chop=True)) / size
    if apart < sympy.Float("1e-40"):
        return True
    return False if apart > sympy.Float("1e-12") else None


def judged(gold: sympy.Expr, forms: list[Form]) -> list[Change]:
    """Each form with its label; forms that cannot be told are left out."""
    changes: list[Change] = []
    for form in forms:
        equal = form.equal if form.equal is not None else same_value(gold, form.value)
        if equal is not None:
            changes.append(Change(form.text, equal))
    return changes
