"""Equality of two answers: by structure here, single values by the tiers of a `Same`.

What the policy (`schemas.math_policy`) leaves open is decided as follows: bare lists and sets have
no order and equal each other, and a set has no duplicates; tuples have order, equal vectors, and
need the same brackets where they have two items (an interval is not a point); unions, inequalities
and sets of numbers on the real line are compared as sets; equations are equal up to a factor; a
value that is one of several (`\\pm`, a list) is not all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from factory.grade.math.budget import tick
from factory.grade.math.matrices import folded
from factory.grade.math.relations import Relations
from factory.grade.math.spread import spread
from factory.grade.math.tree import (
    Collection,
    Group,
    Matrix,
    Node,
    Number,
    Product,
    Relation,
    Symbol,
    Union,
    Word,
)
from factory.grade.math.words import as_region, same_word
from schemas.math_policy import MathPolicy

_LONG_LIST: Final = 20
Same = Callable[[Node, Node], bool]
"""Whether two single values are equal; may raise what its tier raises."""


class TooManyComparisons(Exception):  # noqa: N818 - a finding, not a failure
    """The lists are too long for the tier."""


class Comparison(Relations):
    """The equality of one policy. Symmetric and reflexive as far as `same` is."""

    def __init__(self, policy: MathPolicy, same: Same, most: int | None = None) -> None:
        super().__init__(policy, same)
        self._left = most

    def equal(self, gold: Node, answer: Node) -> bool:
        """Whether two trees say the same.

        Raises:
            TooManyComparisons: More than `most` nodes would be compared.
        """
        tick(4)
        if gold == answer:
            return True
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise TooManyComparisons
        (one, gold), (other, answer) = _point(gold), _point(answer)
        if one and other and one != other:
            return False
        gold, answer = folded(spread(gold)), folded(spread(answer))
        if gold == answer:
            return True
        if isinstance(gold, Word) or isinstance(answer, Word):
            return self._words(gold, answer)
        gold, answer = _unpaired(gold), _unpaired(answer)
        on_line = self.regions(gold, answer)
        if on_line is not None:
            return on_line
        if isinstance(gold, Relation) or isinstance(answer, Relation):
            return self.relations(gold, answer)
        if isinstance(gold, Collection) or isinstance(answer, Collection):
            return self._collections(gold, answer)
        if isinstance(gold, Union) or isinstance(answer, Union):
            return (
                isinstance(gold, Union)
                and isinstance(answer, Union)
                and gold.operator == answer.operator
                and self._united(gold, answer)
            )
        if isinstance(gold, Matrix) and isinstance(answer, Matrix):
            return [len(row) for row in gold.rows] == [len(row) for row in answer.rows] and all(
                self.equal(one, other)
                for left, right in zip(gold.rows, answer.rows, strict=True)
                for one, other in zip(left, right, strict=True)
            )
        if isinstance(gold, Group | Matrix) or isinstance(answer, Group | Matrix):
            return self._tuples(gold, answer)
        return self.values(gold, answer)

    # ------------------------------------------------------------------------------- structures

    def _words(self, gold: Node, answer: Node) -> bool:
        if same_word(gold, answer, self.policy):
            return True
        if isinstance(gold, Word) and isinstance(answer, Word):
            one, other = (as_region(word.text, self.policy) for word in (gold, answer))
            return one is not None and one == other
        for one, other in ((gold, answer), (answer, gold)):
            if isinstance(one, Word) and not isinstance(other, Word):
                region = as_region(one.text, self.policy)
                if region is not None:
                    return self.equal(region, other)
                if isinstance(other, Relation) and other.operators in (("=",), ("in",)):
                    return self.names_left(other) and self.equal(one, other.sides[1])
        return False

    def _united(self, gold: Union, answer: Union) -> bool:
        if gold.operator == "minus":
            return len(gold.parts) == len(answer.parts) and all(
                self.equal(one, other) for one, other in zip(gold.parts, answer.parts, strict=True)
            )
        return self.matching(gold.parts, answer.parts)

    def _collections(self, gold: Node, answer: Node) -> bool:
        for one, other in ((gold, answer), (answer, gold)):
            if isinstance(one, Collection) and isinstance(other, Group | Matrix):
                values = self.tuple_of_values(one)
                return values is not None and self._tuples(values, other)
        if _joined_apart(gold, answer):
            return False
        left, right = self._items_of(gold), self._items_of(answer)
        if self.policy.ordered_lists and not any(
            isinstance(node, Collection) and node.braces for node in (gold, answer)
        ):
            return len(left) == len(right) and all(
                self.equal(one, other) for one, other in zip(left, right, strict=True)
            )
        if isinstance(gold, Collection) and isinstance(answer, Collection):
            by_name = self.assigned(gold, answer)
            if by_name is not None:
                return by_name
        return self.matching(left, right)

    def _items_of(self, node: Node) -> tuple[Node, ...]:
        if not isinstance(node, Collection):
            return (node,)
        if not node.braces and not all(isinstance(item, Group) for item in node.items):
            return node.items
        distinct: list[Node] = []
        for item in map(_as_element, node.items):
            if not any(item == other or self.equal(item, other) for other in distinct):
                distinct.append(item)
        return tuple(distinct)

    def matching(self, left: tuple[Node, ...], right: tuple[Node, ...]) -> bool:
        """Whether the items pair off; equality is transitive enough for the first that fits."""
        if len(left) != len(right):
            return False
        if len(left) > _LONG_LIST:
            one, other = ([_plain_number(item) for item in items] for items in (left, right))
            if None not in one and None not in other:
                return Counter(one) == Counter(other)
        rest = list(right)
        for item in left:
            tick(1 + len(rest) // 4)
            found = next((other for other in rest if other == item), None)
            if found is None:
                found = next((other for other in rest if self.equal(item, other)), None)
            if found is None:
                return False
            rest.remove(found)
        return True

    def _tuples(self, gold: Node, answer: Node) -> bool:
        left, right = _items(gold), _items(answer)
        if left is None and right is not None and _is_rows(answer):
            left = _rows(gold)
        elif right is None and left is not None and _is_rows(gold):
            right = _rows(answer)
        if left is None or right is None or len(left) != len(right):
            return False
        one, other = _brackets(gold), _brackets(answer)
        if one == other == "::":
            return self._proportional(left, right)
        if one != other and (len(left) == 2 or "::" in (one, other) or "||" in (one, other)):
            return False
        return all(self.equal(one, other) for one, other in zip(left, right, strict=True))

    def _proportional(self, left: tuple[Node, ...], right: tuple[Node, ...]) -> bool:
        """Ratios of three and more: `2:4:6` is `1:2:3`."""
        return all(
            self.equal(Product((one, right[0])), Product((other, left[0])))
            for one, other in zip(left, right, strict=True)
        )


def _unpaired(node: Node) -> Node:
    """`(x, y) = (1, 2)` as `x = 1, y = 2`; other nodes as they are."""
    if isinstance(node, Relation) and node.operators == ("=",):
        left, right = node.sides
        if isinstance(left, Group) and isinstance(right, Group):
            named = all(isinstance(item, Symbol) for item in left.items)
            if named and len(left.items) == len(right.items):
                pairs = zip(left.items, right.items, strict=True)
                return Collection(tuple(Relation(("=",), pair) for pair in pairs), braces=False)
    return node


def _point(node: Node) -> tuple[str, Node]:
    """Name and point of `P(2, 3)`; other nodes have no name."""
    match node:
        case Product((Symbol(name), Group("(", ")", items))) if name[0].isupper():
            return name, Group("<", ">", items)
        case _:
            return "", node


def _as_element(node: Node) -> Node:
    """A set of one element as an element of a set: there its braces count."""
    if isinstance(node, Collection) and node.braces and len(node.items) == 1:
        return Group("{", "}", node.items)
    return node


def _joined_apart(gold: Node, answer: Node) -> bool:
    """Whether one says that all of its relations hold and the other that one of them does."""
    if not (isinstance(gold, Collection) and isinstance(answer, Collection)):
        return False
    relations = all(isinstance(item, Relation | Word) for item in (*gold.items, *answer.items))
    return relations and {gold.joiner, answer.joiner} == {"and", "or"}


def _plain_number(node: Node) -> Fraction | None:
    return node.value if isinstance(node, Number) and node.last_place is None else None


def _is_rows(node: Node) -> bool:
    return isinstance(node, Group) and all(isinstance(item, Group) for item in node.items)


def _rows(node: Node) -> tuple[Node, ...] | None:
    """The rows of a matrix as vectors, as `[[1, 2], [3, 4]]` writes them."""
    if not isinstance(node, Matrix):
        return None
    return tuple(Group("[", "]", row) for row in node.rows)


def _brackets(node: Node) -> str:
    """The brackets of a tuple; those of a vector are round."""
    if isinstance(node, Group) and node.opening != "<":
        return node.opening + node.closing
    return "()"


def _items(node: Node) -> tuple[Node, ...] | None:
    if isinstance(node, Group):
        return node.items
    if isinstance(node, Matrix):
        if len(node.rows) == 1:
            return node.rows[0]
        if len(node.rows[0]) == 1:
            return tuple(row[0] for row in node.rows)
    return None
