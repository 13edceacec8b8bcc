"""Nodes put together: products, opposites, functions by others."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from factory.grade.math.tree import (
    Function,
    Node,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Sum,
    Symbol,
)


def product_of(factors: list[Node]) -> Node:
    """One factor as it is, several as a product."""
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def rewritten(name: str, arguments: tuple[Node, ...]) -> Node:
    """A function by others where it is one of them turned round, else as it is named."""
    one = Number(Fraction(1))
    if len(arguments) == 1:
        x = arguments[0]
        if name in _RECIPROCAL:
            return Function(_RECIPROCAL[name], (Quotient(one, x),))
        if name in ("sech", "csch", "coth"):
            turned = {"sech": "cosh", "csch": "sinh", "coth": "tanh"}[name]
            return Quotient(one, Function(turned, arguments))
        if name == "arccot":
            right = Quotient(Symbol("pi"), Number(Fraction(2)))
            return Sum((right, negative(Function("arctan", arguments))))
        if name == "cis":  # e^{ix}: the argument must not stand there twice
            return Power(Symbol("e"), Product((Symbol("i"), x)))
    return Function(name, arguments)


_RECIPROCAL: Final = {"arcsec": "arccos", "arccsc": "arcsin"}


def negative(node: Node) -> Node:
    """Minus a node; numbers keep their decimals."""
    if isinstance(node, Number):
        return Number(-node.value, node.last_place, node.figures)
    if isinstance(node, Quantity):
        return Quantity(negative(node.value), node.unit)
    return Product((Number(Fraction(-1)), node))
