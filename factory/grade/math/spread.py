"""Plus-minus signs spread into the values they stand for, and the letters of a value."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as every

from factory.grade.math.exact import exact
from factory.grade.math.tree import (
    Collection,
    Function,
    Group,
    Node,
    Number,
    PlusMinus,
    Power,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Word,
)


def spread(node: Node) -> Node:
    """`a \\pm b` as a list; a list with such items as one list; other nodes as they are."""
    if isinstance(node, Collection):
        items = [part for item in node.items for part in _variants(item)]
        if len(items) == 1 and not (node.braces and _is_set(items[0])):
            return items[0]
        return Collection(tuple(items), node.braces, node.joiner)
    variants = _variants(node)
    return Collection(tuple(variants), braces=False) if len(variants) > 1 else variants[0]


def _variants(node: Node) -> list[Node]:
    match node:
        case PlusMinus(left, right) if exact(right) == 0:
            return [right] if left is None else _variants(left)
        case PlusMinus(left, right):
            lefts = [None] if left is None else _variants(left)
            pairs = list(every(lefts, _variants(right)))
            plus = [two if one is None else Sum((one, two)) for one, two in pairs]
            minus = [_minus(two) if one is None else Sum((one, _minus(two))) for one, two in pairs]
            return plus + minus
        case Quotient(top, bottom):
            return [Quotient(one, bottom) for one in _variants(top)]
        case Product(factors) if any(_has_sign(factor) for factor in factors):
            return [Product(one) for one in every(*map(_variants, factors))]
        case Group(opening, closing, items) if any(_has_sign(item) for item in items):
            return [Group(opening, closing, one) for one in every(*map(_variants, items))]
        case Relation(operators, sides) if operators == ("=",):
            return [Relation(operators, (sides[0], one)) for one in _variants(sides[1])]
        case Quantity(value, unit):
            return [Quantity(one, unit) for one in _variants(value)]
        case _:
            return [node]


def _has_sign(node: Node) -> bool:
    return isinstance(node, PlusMinus) or (isinstance(node, Quotient) and _has_sign(node.top))


def _is_set(node: Node) -> bool:
    """Whether it is a set of things, so that braces around it make a set of sets."""
    return isinstance(node, Word) or (isinstance(node, Collection) and node.braces)


def _minus(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(-node.value, node.last_place, node.figures)
    return Product((Number(Fraction(-1)), node))


def symbols(node: Node) -> frozenset[str]:
    """Names of the letters in a value, constants included."""
    match node:
        case Symbol(name):
            return frozenset({name})
        case Sum(parts) | Product(parts) | Function(_, parts):
            return frozenset().union(*(symbols(part) for part in parts))
        case Quotient(top, bottom) | Power(top, bottom):
            return symbols(top) | symbols(bottom)
        case Quantity(value, _):
            return symbols(value)
        case PlusMinus(left, right):
            return symbols(right) | (symbols(left) if left else frozenset())
        case _:
            return frozenset()


def has_function(node: Node, names: frozenset[str]) -> bool:
    """Whether a function of one of these names stands in a value."""
    match node:
        case Function(name, parts):
            return name in names or any(has_function(part, names) for part in parts)
        case Sum(parts) | Product(parts):
            return any(has_function(part, names) for part in parts)
        case Quotient(one, other) | Power(one, other):
            return has_function(one, names) or has_function(other, names)
        case _:
            return False
