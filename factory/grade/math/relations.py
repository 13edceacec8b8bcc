"""Equality of equations, assignments and inequalities."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from factory.grade.math.tree import (
    Collection,
    Function,
    Group,
    Matrix,
    Node,
    Number,
    Product,
    Relation,
    Sum,
    Symbol,
    Union,
    Word,
)

Equal = Callable[[Node, Node], bool]
_FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def assignment(node: Node) -> str | None:
    """The letter or function on the left of `y = …`, `f(x) = …`, `x \\in …`."""
    if isinstance(node, Relation) and node.operators in (("=",), ("in",), ("->",)):
        left = node.sides[0]
        if isinstance(left, Symbol):
            return left.name
        if (
            isinstance(left, Function)
            and node.operators == ("=",)
            and len(left.name.rstrip("'")) == 1
        ):
            return left.name
    return None


def relations(gold: Node, answer: Node, equal: Equal, same: Equal) -> bool:
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _both(gold, answer, equal, same)
    relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
    assert isinstance(relation, Relation)
    if isinstance(other, Collection) and len(other.items) > 1:
        return False
    if assignment(relation):
        return equal(relation.sides[1], other)
    interval = _interval(relation)
    return interval is not None and equal(interval, other)


def _both(gold: Relation, answer: Relation, equal: Equal, same: Equal) -> bool:
    if len(gold.sides) == len(answer.sides):
        for turned in (answer, _turned(answer)):
            if gold.operators == turned.operators and all(
                equal(one, other) for one, other in zip(gold.sides, turned.sides, strict=True)
            ):
                return True
    left, right = _interval(gold), _interval(answer)
    if left is not None and right is not None:
        return _letter(gold) == _letter(answer) and equal(left, right)
    names = {assignment(gold), assignment(answer)}
    if None not in names and {*gold.operators, *answer.operators} != {"="}:
        return equal(gold.sides[1], answer.sides[1])
    if gold.operators == answer.operators == ("=",):
        if len(names) == 1 and None not in names:
            return equal(gold.sides[1], answer.sides[1])
        if all(is_plain(side) for side in (*gold.sides, *answer.sides)):
            return same(_difference(gold), _difference(answer))
    return False


def _turned(relation: Relation) -> Relation:
    operators = tuple(_FLIPPED.get(operator, operator) for operator in reversed(relation.operators))
    return Relation(operators, tuple(reversed(relation.sides)))


def _difference(relation: Relation) -> Node:
    """An equation as `equation(left - right)`, which is compared up to a constant factor."""
    left, right = relation.sides
    return Function("equation", (Sum((left, Product((Number(Fraction(-1)), right)))),))


def _interval(relation: Relation) -> Group | None:
    """The interval of an inequality in one letter: `2 < x <= 5`, `x > 3`, `x` between two."""
    turned = relation if set(relation.operators) <= {"<", "<="} else _turned(relation)
    if not set(turned.operators) <= {"<", "<="}:
        return None
    infinity = Symbol("oo")
    minus = Product((Number(Fraction(-1)), infinity))
    match turned.sides:
        case (Symbol(), high) if is_plain(high):
            return Group("(", "]" if turned.operators[0] == "<=" else ")", (minus, high))
        case (low, Symbol()) if is_plain(low):
            return Group("[" if turned.operators[0] == "<=" else "(", ")", (low, infinity))
        case (low, Symbol(), high) if is_plain(low) and is_plain(high):
            opening = "[" if turned.operators[0] == "<=" else "("
            return Group(opening, "]" if turned.operators[1] == "<=" else ")", (low, high))
        case _:
            return None


def _letter(relation: Relation) -> str:
    """The one letter of an inequality that has an interval."""
    return next(side.name for side in relation.sides if isinstance(side, Symbol))


def is_plain(node: Node) -> bool:
    return not isinstance(node, Group | Matrix | Collection | Union | Relation | Word)
