"""Sums, multiples and transposes of matrices and vectors, worked out into one matrix."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from factory.grade.math.spread import symbols
from factory.grade.math.tree import (
    Group,
    Matrix,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)

MAX_ITEMS: Final = 100
"""Largest matrix that is multiplied with another."""
UNIT_VECTORS: Final = ("vector i", "vector j", "vector k")
"""Symbols of the unit vectors that `2\\mathbf{i} + \\mathbf{j}` is written with."""


def folded(node: Node) -> Node:
    """The matrix or tuple that a sum, multiple or transpose of them is; other nodes as they are."""
    if isinstance(node, Sum | Product | Quotient | Power) and _holds(node):
        return _folded(node, 3 if "vector k" in symbols(node) else 2) or node
    if isinstance(node, Symbol) and node.name in UNIT_VECTORS:
        return _folded(node, 3) or node
    return node


def _holds(node: Node, depth: int = 0) -> bool:
    match node:
        case Matrix():
            return True
        case Symbol(name):
            return name in UNIT_VECTORS
        case Group(opening, closing):
            return opening + closing in ("()", "<>", "[]")
        case Sum(parts) | Product(parts):
            return depth < 4 and any(_holds(part, depth + 1) for part in parts)
        case Quotient(part, _) | Power(part, _):
            return depth < 4 and _holds(part, depth + 1)
        case _:
            return False


def _folded(node: Node, size: int) -> Matrix | Group | None:
    match node:
        case Matrix():
            return node
        case Group("(" | "<" | "[", ")" | ">" | "]", items):
            return Group("<", ">", items)
        case Symbol(name) if name in UNIT_VECTORS:
            place = UNIT_VECTORS.index(name)
            return Group("<", ">", tuple(Number(Fraction(int(i == place))) for i in range(size)))
        case Sum(terms):
            total = _folded(terms[0], size)
            for term in terms[1:]:
                other = _folded(term, size)
                if total is None or other is None:
                    return None
                total = _added(total, other)
            return total
        case Product(factors):
            held = [factor for factor in factors if _holds(factor)]
            scale = tuple(factor for factor in factors if not _holds(factor))
            inner = _multiplied(held, size) if held else None
            return None if inner is None else _scaled(inner, scale)
        case Quotient(top, bottom):
            inner = _folded(top, size)
            return None if inner is None else _divided(inner, bottom)
        case Power(base, Symbol("T")):
            inner = _folded(base, size)
            if isinstance(inner, Group):
                return inner
            return None if inner is None else Matrix(tuple(zip(*inner.rows, strict=True)))
        case _:
            return None


def _added(left: Matrix | Group, right: Matrix | Group) -> Matrix | Group | None:
    if isinstance(left, Group) and isinstance(right, Group):
        if len(left.items) != len(right.items):
            return None
        return Group("<", ">", tuple(map(_sum, left.items, right.items)))
    if isinstance(left, Matrix) and isinstance(right, Matrix):
        if [len(row) for row in left.rows] != [len(row) for row in right.rows]:
            return None
        return Matrix(
            tuple(
                tuple(map(_sum, one, other))
                for one, other in zip(left.rows, right.rows, strict=True)
            )
        )
    return None


def _multiplied(factors: list[Node], size: int) -> Matrix | Group | None:
    """The product of matrices, or the one that there is."""
    result = _folded(factors[0], size)
    for factor in factors[1:]:
        other = _folded(factor, size)
        if not isinstance(result, Matrix) or not isinstance(other, Matrix):
            return None
        if len(result.rows[0]) != len(other.rows) or len(result.rows) * len(other.rows) > MAX_ITEMS:
            return None
        columns = list(zip(*other.rows, strict=True))
        result = Matrix(
            tuple(
                tuple(Sum(tuple(map(_product, row, column))) for column in columns)
                for row in result.rows
            )
        )
    return result


def _product(left: Node, right: Node) -> Node:
    return Product((left, right))


def _sum(left: Node, right: Node) -> Node:
    if left == Number(Fraction(0)):
        return right
    return left if right == Number(Fraction(0)) else Sum((left, right))


def _scaled(inner: Matrix | Group, scale: tuple[Node, ...]) -> Matrix | Group:
    def scaled(item: Node) -> Node:
        return item if item == Number(Fraction(0)) else Product((*scale, item))

    if not scale:
        return inner
    if isinstance(inner, Group):
        return Group("<", ">", tuple(map(scaled, inner.items)))
    return Matrix(tuple(tuple(map(scaled, row)) for row in inner.rows))


def _divided(inner: Matrix | Group, bottom: Node) -> Matrix | Group:
    if isinstance(inner, Group):
        return Group("<", ">", tuple(Quotient(item, bottom) for item in inner.items))
    return Matrix(tuple(tuple(Quotient(item, bottom) for item in row) for row in inner.rows))


def _is_plain(node: Node) -> bool:
    """Whether it is short: entries are repeated in a determinant written out."""
    match node:
        case Number() | Symbol():
            return True
        case Sum(parts) | Product(parts):
            return len(parts) <= 4 and all(isinstance(part, Number | Symbol) for part in parts)
        case Quotient(one, other) | Power(one, other):
            return all(isinstance(part, Number | Symbol) for part in (one, other))
        case _:
            return False


def determinant(rows: tuple[tuple[Node, ...], ...]) -> Node | None:
    """The determinant of a square matrix of at most four plain rows; else None."""
    if not all(_is_plain(item) for row in rows for item in row):
        return None
    if len(rows) > 4 or any(len(row) != len(rows) for row in rows):
        return None
    if len(rows) < 2:
        return rows[0][0] if rows else None
    terms: list[Node] = []
    for place, item in enumerate(next(iter(rows))):
        minor = determinant(tuple((*row[:place], *row[place + 1 :]) for row in rows[1:]))
        assert minor is not None
        sign = Number(Fraction(-1 if place % 2 else 1))
        terms.append(Product((sign, item, minor)))
    return Sum(tuple(terms))
