"""What an answer says, as a tree of our own: frozen, hashable, built only by `parse.py`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


class Node:
    """Base of all nodes; `children` are the nodes directly below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number as written; `last_place` is the value of one unit in the last decimal, else None."""

    value: Fraction
    last_place: Fraction | None = None
    figures: int = 0
    """Significant digits of a number with a decimal point."""

    @staticmethod
    def of(value: float) -> Number:
        """A number that is not written as a decimal."""
        return Number(Fraction(value))


@dataclass(frozen=True, slots=True)
class Symbol(Node):
    """A letter, with its subscript; `pi`, `e`, `i` and `oo` are the constants."""

    name: str


CONSTANTS = frozenset({"pi", "e", "i", "oo"})


@dataclass(frozen=True, slots=True)
class Sum(Node):
    """Terms added."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Product(Node):
    """Factors multiplied."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Quotient(Node):
    """A fraction."""

    top: Node
    bottom: Node


@dataclass(frozen=True, slots=True)
class Power(Node):
    """A base to an exponent."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Function(Node):
    """A named function of its arguments: `root(x, n)`, `abs`, `factorial`, `sin`, `f`, …"""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class PlusMinus(Node):
    """Both `left + right` and `left - right`; `left` is None for a leading sign."""

    left: Node | None
    right: Node


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A value with what stands behind it: `%`, `degree`, `dollar`, or words in lower case."""

    value: Node
    unit: str


@dataclass(frozen=True, slots=True)
class Based(Node):
    """Digits written in a base from 2 to 36."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Word(Node):
    """Words that are no mathematics, in lower case with single spaces."""

    text: str


@dataclass(frozen=True, slots=True)
class Group(Node):
    """Two or more items in brackets: a tuple, a point, an interval."""

    opening: str
    closing: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Collection(Node):
    """Items whose order does not matter: a set in braces, or a bare list."""

    items: tuple[Node, ...]
    braces: bool
    joiner: str = ","
    """`and`, `or` where the items of a bare list are joined so."""


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    """Rows of equal length."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Union(Node):
    """Sets united (`cup`), cut (`cap`) or taken away (`minus`)."""

    operator: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Relation(Node):
    """A chain `sides[0] operators[0] sides[1] …`; operators are `= ~ < > <= >= != in ->`
    (`~` is an approximation)."""

    operators: tuple[str, ...]
    sides: tuple[Node, ...]
