"""Infinite values: plus or minus infinity, with whatever finite constants stand around it."""

from __future__ import annotations

from factory.grade.math.budget import tick
from factory.grade.math.exact import exact
from factory.grade.math.tree import Node, Product, Quantity, Sum, Symbol


def infinite(node: Node) -> int | None:
    """1 for infinity, -1 for minus infinity, None for every other value."""
    tick()
    match node:
        case Symbol("oo"):
            return 1
        case Quantity(value, _):
            return infinite(value)
        case Product(factors):
            signs = [infinite(factor) for factor in factors]
            if sum(sign is not None for sign in signs) != 1:
                return None
            result = 1
            for factor, sign in zip(factors, signs, strict=True):
                value = exact(factor)
                if sign is not None:
                    result *= sign
                elif value is None or value == 0:
                    return None
                elif value < 0:
                    result = -result
            return result
        case Sum(terms):
            signs = [infinite(term) for term in terms]
            found = set(signs) - {None}
            if len(found) != 1:
                return None
            finite = (exact(term) for term, sign in zip(terms, signs, strict=True) if sign is None)
            return found.pop() if None not in finite else None
        case _:
            return None
