"""Infinite values: plus or minus infinity, with whatever finite constants stand around it."""

from __future__ import annotations

from factory.grade.math.exact import exact
from factory.grade.math.tree import Node, Product, Quantity, Sum, Symbol


def infinite(node: Node) -> int | None:
    """1 for infinity, -1 for minus infinity, None for every other value."""
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
            signs = {infinite(term) for term in terms}
            finite = all(infinite(term) is not None or exact(term) is not None for term in terms)
            return (signs - {None}).pop() if finite and len(signs - {None}) == 1 else None
        case _:
            return None
