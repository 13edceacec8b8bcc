"""A function whose argument has another letter: `f(t) = t^2` is `f(x) = x^2`."""

from __future__ import annotations

from factory.grade.math.tree import (
    Function,
    Node,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)


def renamed(value: Node, wanted: tuple[Node, ...], given: tuple[Node, ...]) -> Node:
    """A function's value with the letters of its arguments changed into those of another's."""
    if len(wanted) != len(given) or wanted == given:
        return value
    letters: dict[str, Symbol] = {
        one.name: other
        for one, other in zip(given, wanted, strict=True)
        if isinstance(one, Symbol) and isinstance(other, Symbol)
    }
    if len(letters) < len(given):
        return value
    for letter in list(letters.values()):
        if letter.name not in letters:
            letters[letter.name] = Symbol(f"{letter.name} of the other")  # it means something else
    return _replaced(value, letters)


def _replaced(node: Node, letters: dict[str, Symbol]) -> Node:
    match node:
        case Symbol(name):
            return letters.get(name, node)
        case Sum(parts):
            return Sum(tuple(_replaced(part, letters) for part in parts))
        case Product(parts):
            return Product(tuple(_replaced(part, letters) for part in parts))
        case Quotient(top, bottom):
            return Quotient(_replaced(top, letters), _replaced(bottom, letters))
        case Power(base, exponent):
            return Power(_replaced(base, letters), _replaced(exponent, letters))
        case Function(name, parts):
            return Function(name, tuple(_replaced(part, letters) for part in parts))
        case _:
            return node
