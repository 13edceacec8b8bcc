"""Expressions with letters and equations, rewritten and changed; sympy expands and factors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import sympy

from .constants import written
from .pair import Change, Form, same_value
from .reading import letter, read

_EQUATION: Final = re.compile(r"([^=<>]+)=([^=<>]+)")
_ASSIGNMENT: Final = re.compile(r"\s*([a-z])\s*=\s*([^=<>,]+)")


def expression_forms(value: sympy.Expr) -> list[Form]:
    """Forms of a rational function of letters; nothing for any other expression."""
    letters = [letter(name) for name in sorted(map(str, value.free_symbols))]
    if not value.is_rational_function(*letters):
        return []
    forms = [written(value), written(sympy.expand(value)), written(sympy.factor(value))]
    forms += [written(sympy.together(value)), *_turned(value)]
    forms += [written(other) for other in _changed(value, letters)]
    forms += [Form(f"({sympy.latex(value)}) \\cdot 1", value)]
    return forms


def _turned(value: sympy.Expr) -> Iterator[Form]:
    terms = sympy.expand(value).as_ordered_terms()
    text = "".join(
        f" - {sympy.latex(-term)}" if term.could_extract_minus_sign() else f" + {sympy.latex(term)}"
        for term in reversed(terms)
    )
    yield Form(text.removeprefix(" + ").replace(" - ", "-", text.startswith(" - ")), value)
    star = sympy.latex(sympy.expand(value), mul_symbol="dot")
    yield Form(star, value)


def _changed(value: sympy.Expr, letters: list[sympy.Symbol]) -> Iterator[sympy.Expr]:
    expanded = sympy.expand(value)
    terms = sympy.Add.make_args(expanded)
    for term in terms[:3]:
        yield expanded - 2 * term
        yield expanded + term
        if len(terms) > 1:
            yield expanded - term
    for one in letters[:2]:
        yield expanded.subs(one, letter("t") if one != letter("t") else letter("u"))
        yield expanded.subs(one, one + 1)
        yield expanded.subs(one, -one)
        yield expanded * one
    yield from (-expanded, expanded + 1, expanded - 1, expanded * 2)
    if len(letters) > 1:
        swapped = {letters[0]: letters[1], letters[1]: letters[0]}
        yield expanded.subs(swapped, simultaneous=True)
    numerator, denominator = sympy.fraction(sympy.together(value))
    if denominator != 1:
        yield denominator / numerator


def equation_changes(gold: str) -> list[Change] | None:
    """Rewritings of one equation; None where the gold is none that is read."""
    found = _EQUATION.fullmatch(gold)
    if found is None:
        return None
    left, right = (read(side.strip()) for side in found.groups())
    if left is None or right is None:
        return []
    changes = list(_equations(left, right))
    assigned = _ASSIGNMENT.fullmatch(gold)
    if assigned:
        changes += _right_hand_side(assigned[1], assigned[2].strip(), right)
    return changes


def _equations(left: sympy.Expr, right: sympy.Expr) -> Iterator[Change]:
    write = sympy.latex
    yield Change(f"{write(right)} = {write(left)}", True)
    for factor in (2, -1, 3):
        yield Change(
            f"{write(sympy.expand(left * factor))} = {write(sympy.expand(right * factor))}", True
        )
    difference = sympy.expand(left - right)
    yield Change(f"{write(difference)} = 0", True)
    yield Change(f"{write(sympy.expand(left + 1))} = {write(sympy.expand(right + 1))}", True)
    for term in sympy.Add.make_args(difference)[:4]:
        other = difference - 2 * term
        if not _same_zeros(difference, other):
            yield Change(f"{write(other)} = 0", False)
        if len(sympy.Add.make_args(difference)) > 1:
            other = difference - sympy.Rational(1, 2) * term
            if not _same_zeros(difference, other):
                yield Change(f"{write(sympy.expand(2 * other))} = 0", False)
    yield Change(f"{write(left)} = {write(sympy.expand(right + 1))}", False)
    yield Change(f"{write(left)} = {write(sympy.expand(right - 1))}", False)


def _same_zeros(one: sympy.Expr, other: sympy.Expr) -> bool:
    """Whether two polynomials are multiples of each other by a number."""
    return bool(other != 0 and sympy.cancel(one / other).is_number)


def _right_hand_side(name: str, text: str, value: sympy.Expr) -> Iterator[Change]:
    """`y = …` is its right-hand side, whatever the function is called."""
    yield Change(text, True)
    yield Change(sympy.latex(value), True)
    if value.free_symbols:
        argument = min(value.free_symbols, key=str)
        yield Change(f"f({argument}) = {text}", True)
    for other in (-value, value + 1, value * 2, value - 1):
        if same_value(value, other) is False:
            yield Change(sympy.latex(sympy.expand(other)), False)
            yield Change(f"{name} = {sympy.latex(sympy.expand(other))}", False)
