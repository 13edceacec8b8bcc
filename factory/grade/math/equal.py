"""Equality of two answers by structure; single values are left to a `Same`.

The policy, each choice once: bare lists and sets have no order and equal each other; tuples have
order, equal vectors, and need the same brackets where they have two items (an interval is not a
point); brackets around one item drop (the parser drops them); `y = …`, `f(x) = …` and `x \\in …`
equal their right-hand sides; a list of assignments equals the tuple of its values; equations are
equal up to a factor; an inequality in one letter equals its interval; `a \\pm b` is a list of two;
a unit, percent sign, money sign or base that one side lacks is forgiven, units of one dimension
convert, others conflict; 50% equals 50 and 0.5; decimals with six significant digits or more match
an exact value that rounds to them, or is cut to them; words match in any case.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from factory.grade.math.relations import Equal, assignment, relations
from factory.grade.math.spread import spread
from factory.grade.math.tree import (
    Collection,
    Group,
    Matrix,
    Node,
    Product,
    Relation,
    Symbol,
    Union,
    Word,
)
from factory.grade.math.values import values

Same = Equal
"""Whether two single values are equal; may raise what its tier raises."""

_NOTHING: Final = re.compile(
    r"(?:there (?:is|are) )?no (?:real |valid |such )?(?:solutions?|answers?)(?: exists?)?|none"
    r"|empty set|the empty set|does not exist|dne|undefined|impossible|not possible"
)
_ENDLESS: Final = re.compile(r"infinity|infinite|infinitely many(?: solutions)?")


def equal(gold: Node, answer: Node, same: Same) -> bool:
    """Whether two trees say the same; symmetric, except that nothing is assumed of `same`."""
    if gold == answer:
        return True
    gold, answer = spread(gold), spread(answer)
    if isinstance(gold, Word) or isinstance(answer, Word):
        return _words(gold, answer)
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return relations(gold, answer, partial(equal, same=same), same)
    if isinstance(gold, Collection) or isinstance(answer, Collection):
        return _collections(gold, answer, same)
    if isinstance(gold, Union) or isinstance(answer, Union):
        return (
            isinstance(gold, Union)
            and isinstance(answer, Union)
            and gold.operator == answer.operator
            and _matching(gold.parts, answer.parts, same)
        )
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        return [len(row) for row in gold.rows] == [len(row) for row in answer.rows] and all(
            equal(one, other, same)
            for left, right in zip(gold.rows, answer.rows, strict=True)
            for one, other in zip(left, right, strict=True)
        )
    if isinstance(gold, Group | Matrix) or isinstance(answer, Group | Matrix):
        return _tuples(gold, answer, same)
    return values(gold, answer, partial(equal, same=same), same)


# ------------------------------------------------------------------------------------- structures


def _words(gold: Node, answer: Node) -> bool:
    left, right = _as_text(gold), _as_text(answer)
    if left is None or right is None:
        return False
    return (
        left == right
        or bool(_NOTHING.fullmatch(left) and _NOTHING.fullmatch(right))
        or bool(_ENDLESS.fullmatch(left) and _ENDLESS.fullmatch(right))
        or left.replace(" ", "") == right.replace(" ", "")
    )


def _as_text(node: Node) -> str | None:
    if isinstance(node, Word):
        return node.text
    if node == Symbol("oo"):
        return "infinity"
    if isinstance(node, Product) and all(isinstance(factor, Symbol) for factor in node.factors):
        return "".join(factor.name for factor in node.factors if isinstance(factor, Symbol)).lower()
    return None


def _collections(gold: Node, answer: Node, same: Same) -> bool:
    for one, other in ((gold, answer), (answer, gold)):
        if isinstance(one, Collection) and isinstance(other, Group | Matrix):
            return _assigned(one) and _tuples(_tuple_of_values(one), other, same)
    left = gold.items if isinstance(gold, Collection) else (gold,)
    right = answer.items if isinstance(answer, Collection) else (answer,)
    return _matching(left, right, same)


def _assigned(collection: Collection) -> bool:
    return not collection.braces and all(assignment(item) for item in collection.items)


def _tuple_of_values(collection: Collection) -> Group:
    items = sorted(collection.items, key=lambda item: str(assignment(item)))
    return Group("(", ")", tuple(item.sides[1] for item in items if isinstance(item, Relation)))


def _matching(left: tuple[Node, ...], right: tuple[Node, ...], same: Same) -> bool:
    """Whether the items pair off; equality is transitive enough for taking the first that fits."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for item in left:
        found = next((other for other in rest if other == item), None)
        if found is None:
            found = next((other for other in rest if equal(item, other, same)), None)
        if found is None:
            return False
        rest.remove(found)
    return True


def _tuples(gold: Node, answer: Node, same: Same) -> bool:
    left, right = _items(gold), _items(answer)
    if left is None or right is None or len(left) != len(right):
        return False
    if len(left) == 2 and isinstance(gold, Group) and isinstance(answer, Group):
        if (gold.opening, gold.closing) != (answer.opening, answer.closing):
            return False
    elif isinstance(gold, Group) and isinstance(answer, Group):
        if ":" in (gold.opening, answer.opening) and gold.opening != answer.opening:
            return False
    elif any(isinstance(one, Group) and one.opening == ":" for one in (gold, answer)):
        return False
    return all(equal(one, other, same) for one, other in zip(left, right, strict=True))


def _items(node: Node) -> tuple[Node, ...] | None:
    if isinstance(node, Group):
        return node.items
    if isinstance(node, Matrix):
        if len(node.rows) == 1:
            return node.rows[0]
        if len(node.rows[0]) == 1:
            return tuple(row[0] for row in node.rows)
    return None
