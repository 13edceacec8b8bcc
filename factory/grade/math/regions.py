"""Sets of real numbers as intervals: unions, inequalities, set differences, compared as sets.

The ends of all intervals on both sides are ranked by value once; then a set is a list of cuts
between whole numbers, and union, intersection and difference are exact. A pair of numbers in
brackets, `(1, 2)`, is a set only beside something that can be nothing else.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from functools import cmp_to_key
from typing import Final

from factory.grade.math.approximate import real_value
from factory.grade.math.exact import exact
from factory.grade.math.same import linear
from factory.grade.math.tree import (
    Collection,
    Function,
    Group,
    Node,
    Number,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Union,
)
from factory.grade.math.values import Values

INFINITY: Final = Symbol("oo")
MINUS_INFINITY: Final = Product((Number(Fraction(-1)), INFINITY))
_LINE: Final = Group("(", ")", (MINUS_INFINITY, INFINITY))
FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_MAX_ENDS: Final = 60

Cuts = list[tuple[int, int]]
"""Pieces from one cut to another: cut `2r` lies just before the end of rank `r`, `2r + 1` after."""


class _NoRegion(Exception):  # noqa: N818 - a finding, not a failure
    """It is no set of real numbers that is covered."""


class Regions(Values):
    """Comparison of sets of real numbers."""

    @abstractmethod
    def equal(self, gold: Node, answer: Node) -> bool: ...

    def regions(self, gold: Node, answer: Node) -> bool | None:
        """Whether two sets of numbers are the same; None where one is not seen to be a set."""
        if not (_surely(gold) or _surely(answer)):
            return None
        gold, answer = _as_set(gold), _as_set(answer)
        letters = {_letter(gold), _letter(answer)} - {None}
        if len(letters) > 1:
            return False
        ends: list[Node] = []
        try:
            one, other = _solved(gold), _solved(answer)
            _gather(one, ends)
            _gather(other, ends)
            if len(ends) > _MAX_ENDS:
                return None
            ranks = self._ranks(ends)
            return _cuts(one, ranks) == _cuts(other, ranks)
        except _NoRegion:
            return None

    def _ranks(self, ends: list[Node]) -> dict[Node, int]:
        values = {end: real_value(end) for end in ends}
        if any(value is None for value in values.values()):
            raise _NoRegion

        def order(left: Node, right: Node) -> int:
            first, second = values[left], values[right]
            assert first is not None and second is not None
            if abs(first[0] - second[0]) > 4 * (first[1] + second[1]):
                return -1 if first[0] < second[0] else 1
            if self.equal(left, right):
                return 0
            return -1 if first[0] < second[0] else 1

        ordered = sorted(values, key=cmp_to_key(order))
        ranks: dict[Node, int] = {}
        for end in ordered:
            same = bool(ranks) and order(ordered[len(ranks) - 1], end) == 0
            last = max(ranks.values(), default=0)
            ranks[end] = last if same else last + 1
        return ranks


def _surely(node: Node) -> bool:
    """Whether it is a set of numbers and nothing else."""
    match node:
        case Union(_, parts):
            return all(_surely(part) or isinstance(part, Group | Collection) for part in parts)
        case Relation(operators, sides):
            if operators == ("in",):
                return _surely(sides[1])
            return bool(set(operators) & {"<", ">", "<=", ">=", "!="}) and len(sides) <= 3
        case Group(opening, closing, items):
            return len(items) == 2 and (
                (opening, closing) not in (("(", ")"), (":", ":"))
                or any(item in (INFINITY, MINUS_INFINITY) for item in items)
            )
        case Collection(items, braces):
            return (
                not braces
                and bool(items)
                and all(isinstance(item, Relation) and _surely(item) for item in items)
            )
        case _:
            return False


def _as_set(node: Node) -> Node:
    """A number beside a set: what the braces of a set of one element dropped to."""
    if isinstance(node, Number | Sum | Product | Quotient):
        return Collection((node,), braces=True)
    return node


def _letter(node: Node) -> str | None:
    """The letter that a set of inequalities speaks of."""
    match node:
        case Relation(("in",), (Symbol(name), _)):
            return name
        case Relation(_, sides):
            names = [
                side.name
                for side in sides
                if isinstance(side, Symbol | Function) and _is_letter(side)
            ]
            return names[0] if len(names) == 1 else None
        case Collection(items, False):
            names = {_letter(item) for item in items}
            return names.pop() if len(names) == 1 else None
        case _:
            return None


_KNOWN: Final = ("pi", "e", "i", "oo")


def _solved(node: Node) -> Node:
    """The set with its inequalities turned into intervals.

    Raises:
        _NoRegion: One of them is not linear in one letter.
    """
    match node:
        case Union(operator, parts):
            return Union(operator, tuple(_solved(part) for part in parts))
        case Relation(("in",), (Symbol(), other)):
            return _solved(other)
        case Relation(operators, sides) if len(sides) == 3:
            pairs = zip(operators, sides, sides[1:], strict=False)
            return Union("cap", tuple(_one(name, left, right) for name, left, right in pairs))
        case Relation((operator,), (left, right)):
            return _one(operator, left, right)
        case Collection(items, False):
            if not any(isinstance(item, Relation) for item in items):
                raise _NoRegion
            if any(_letter(item) is None for item in items) or len(set(map(_letter, items))) > 1:
                raise _NoRegion
            return Union(_joined(items, node.joiner), tuple(_solved(item) for item in items))
        case Collection(items, True) | Group(_, _, items) if items:
            return node
        case _:
            raise _NoRegion


def _joined(items: tuple[Node, ...], joiner: str) -> str:
    """Whether a list of inequalities means their union or, where `and` or sense says so, both.

    `x >= 1, x <= 4` and `x != 1, x != 2` are both; `x < 1, x > 3` are either.
    """
    if joiner != ",":
        return {"and": "cap", "or": "cup"}[joiner]
    signs = {item.operators for item in items if isinstance(item, Relation)}
    return "cap" if signs == {("!=",)} else "both or either"


def _one(operator: str, left: Node, right: Node) -> Node:
    """The set of one inequality in one letter."""
    if operator not in FLIPPED:
        raise _NoRegion
    inside = _within(operator, left, right)
    if inside is not None:
        return inside
    if not _is_letter(left):
        left, right, operator = right, left, FLIPPED[operator]
    if not _is_letter(left) or isinstance(right, Collection | Group | Relation | Union):
        difference = linear(Sum((left, Product((Number(Fraction(-1)), right)))))
        if difference is None:
            raise _NoRegion
        slope, bound = difference
        right = Number(bound)
        operator = FLIPPED[operator] if slope < 0 else operator
    if operator == "=":
        return Collection((right,), braces=True)
    if operator == "!=":
        return Union("minus", (_LINE, Collection((right,), braces=True)))
    if operator in ("<", "<="):
        return Group("(", "]" if operator == "<=" else ")", (MINUS_INFINITY, right))
    return Group("[" if operator == ">=" else "(", ")", (right, INFINITY))


def _within(operator: str, left: Node, right: Node) -> Node | None:
    """`|x - a| < b` as an interval or its outside."""
    if isinstance(right, Function) and right.name == "abs":
        left, right, operator = right, left, FLIPPED[operator]
    if not (isinstance(left, Function) and left.name == "abs") or operator in ("=", "!="):
        return None
    found, width = linear(left.arguments[0]), real_value(right)
    if found is None or width is None:
        raise _NoRegion
    if right == Number(Fraction(0)) and operator == ">":
        return Union("minus", (_LINE, Collection((Number(found[1]),), braces=True)))
    if width[0] <= width[1]:
        raise _NoRegion
    slope, centre = found
    half = Quotient(right, Number(abs(slope)))
    ends = [_sum(centre, Product((Number(Fraction(-1)), half))), _sum(centre, half)]
    if operator in ("<", "<="):
        brackets = ("[", "]") if operator == "<=" else ("(", ")")
        return Group(*brackets, tuple(ends))
    closing, opening = ("]", "[") if operator == ">=" else (")", "(")
    return Union(
        "cup",
        (Group("(", closing, (MINUS_INFINITY, ends[0])), Group(opening, ")", (ends[1], INFINITY))),
    )


def _sum(centre: Fraction, half: Node) -> Node:
    value = exact(half)
    return Sum((Number(centre), half)) if value is None else Number(centre + value)


def _is_letter(node: Node) -> bool:
    """Whether it is what an inequality speaks of: a letter, or `f(x)`."""
    if isinstance(node, Function):
        return node.name in ("f", "g", "h")
    return isinstance(node, Symbol) and node.name not in _KNOWN


def _gather(node: Node, ends: list[Node]) -> None:
    match node:
        case Union(_, parts):
            for part in parts:
                _gather(part, ends)
        case Group(_, _, items) if len(items) == 2:
            ends += [item for item in items if item not in (INFINITY, MINUS_INFINITY)]
        case Collection(items, True):
            ends += items
        case _:
            raise _NoRegion


def _cuts(node: Node, ranks: dict[Node, int]) -> Cuts:
    top = 2 * len(ranks) + 4
    match node:
        case Union(operator, parts):
            result = _cuts(parts[0], ranks)
            for part in parts[1:]:
                other = _cuts(part, ranks)
                if operator == "both or either":
                    result = _common(result, other) or _merged(result + other)
                elif operator == "cup":
                    result = _merged(result + other)
                else:
                    other = _outside(other, top) if operator == "minus" else other
                    result = _common(result, other)
            return result
        case Group(opening, closing, (low, high)):
            if low == INFINITY or high == MINUS_INFINITY:
                raise _NoRegion
            start = 0 if low == MINUS_INFINITY else 2 * ranks[low] + (opening != "[")
            end = top if high == INFINITY else 2 * ranks[high] + (closing == "]")
            if start > end:
                raise _NoRegion
            return [(start, end)] if start < end else []
        case Collection(items, True):
            return _merged([(2 * ranks[item], 2 * ranks[item] + 1) for item in items])
        case _:
            raise _NoRegion


def _merged(pieces: Cuts) -> Cuts:
    result: Cuts = []
    for start, end in sorted(pieces):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def _outside(pieces: Cuts, top: int) -> Cuts:
    edges = [0, *(edge for piece in _merged(pieces) for edge in piece), top]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in pairs if start < end]


def _common(left: Cuts, right: Cuts) -> Cuts:
    return _merged(
        [(max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) < min(b, d)]
    )
