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
from collections.abc import Callable
from fractions import Fraction
from itertools import product as every
from typing import Final

from factory.grade.math.exact import exact
from factory.grade.math.tree import (
    Based,
    Collection,
    Function,
    Group,
    Matrix,
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
    Union,
    Word,
)
from factory.grade.math.units import unit_of

Same = Callable[[Node, Node], bool]
"""Whether two single values are equal; may raise what its tier raises."""

MATCHING_FIGURES: Final = 6
MAX_DIGITS: Final = 2000
_NOTHING: Final = re.compile(
    r"(?:there (?:is|are) )?no (?:real |valid |such )?(?:solutions?|answers?)(?: exists?)?|none"
    r"|empty set|the empty set|does not exist|dne|undefined|impossible|not possible"
)
_ENDLESS: Final = re.compile(r"infinity|infinite|infinitely many(?: solutions)?")
_FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def equal(gold: Node, answer: Node, same: Same) -> bool:
    """Whether two trees say the same; symmetric, except that nothing is assumed of `same`."""
    if gold == answer:
        return True
    gold, answer = _spread(gold), _spread(answer)
    if isinstance(gold, Word) or isinstance(answer, Word):
        return _words(gold, answer)
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _relations(gold, answer, same)
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
    return _values(gold, answer, same)


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
    return not collection.braces and all(_assignment(item) for item in collection.items)


def _tuple_of_values(collection: Collection) -> Group:
    items = sorted(collection.items, key=lambda item: str(_assignment(item)))
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


# -------------------------------------------------------------------------------------- relations


def _assignment(node: Node) -> str | None:
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


def _relations(gold: Node, answer: Node, same: Same) -> bool:
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _both_relations(gold, answer, same)
    relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
    assert isinstance(relation, Relation)
    if isinstance(other, Collection) and len(other.items) > 1:
        return False
    if _assignment(relation):
        return equal(relation.sides[1], other, same)
    interval = _interval(relation)
    return interval is not None and equal(interval, other, same)


def _both_relations(gold: Relation, answer: Relation, same: Same) -> bool:
    if len(gold.sides) == len(answer.sides):
        for turned in (answer, _turned(answer)):
            if gold.operators == turned.operators and all(
                equal(one, other, same) for one, other in zip(gold.sides, turned.sides, strict=True)
            ):
                return True
    left, right = _interval(gold), _interval(answer)
    if left is not None and right is not None:
        return gold_letter(gold) == gold_letter(answer) and equal(left, right, same)
    names = {_assignment(gold), _assignment(answer)}
    if None not in names and {*gold.operators, *answer.operators} != {"="}:
        return equal(gold.sides[1], answer.sides[1], same)
    if gold.operators == answer.operators == ("=",):
        if len(names) == 1 and None not in names:
            return equal(gold.sides[1], answer.sides[1], same)
        if all(_plain(side) for side in (*gold.sides, *answer.sides)):
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
        case (Symbol(), high) if _plain(high):
            return Group("(", "]" if turned.operators[0] == "<=" else ")", (minus, high))
        case (low, Symbol()) if _plain(low):
            return Group("[" if turned.operators[0] == "<=" else "(", ")", (low, infinity))
        case (low, Symbol(), high) if _plain(low) and _plain(high):
            opening = "[" if turned.operators[0] == "<=" else "("
            return Group(opening, "]" if turned.operators[1] == "<=" else ")", (low, high))
        case _:
            return None


def gold_letter(relation: Relation) -> str:
    """The one letter of an inequality that has an interval."""
    return next(side.name for side in relation.sides if isinstance(side, Symbol))


def _plain(node: Node) -> bool:
    return not isinstance(node, Group | Matrix | Collection | Union | Relation | Word)


# ----------------------------------------------------------------------------------------- values


def _values(gold: Node, answer: Node, same: Same) -> bool:
    if isinstance(gold, Quantity) or isinstance(answer, Quantity):
        return _quantities(gold, answer, same)
    if isinstance(gold, Based) and isinstance(answer, Based):
        return gold.base == answer.base and gold.digits.lstrip("0") == answer.digits.lstrip("0")
    for one, other in ((gold, answer), (answer, gold)):
        if isinstance(one, Based) and isinstance(other, Number):
            return len(one.digits) < MAX_DIGITS and other.value == Fraction(one.digits)
    left, right = exact(gold), exact(answer)
    if left is not None and right is not None:
        return left == right or close(gold, answer, left, right)
    return same(gold, answer)


def close(gold: Node, answer: Node, left: Fraction, right: Fraction) -> bool:
    """Whether one is a decimal of six figures or more to which the other, exact, rounds or cuts."""
    for one, other, written, value in ((gold, answer, left, right), (answer, gold, right, left)):
        place = last_place(one)
        if place is None or last_place(other) is not None:
            continue
        apart = abs(written - value)
        if apart <= place / 2 or (apart < place and abs(written) < abs(value)):
            return True
    return False


def last_place(node: Node) -> Fraction | None:
    """One unit in the last place of a decimal of six figures or more, else None."""
    if isinstance(node, Number) and node.figures >= MATCHING_FIGURES:
        return node.last_place
    return None


def _quantities(gold: Node, answer: Node, same: Same) -> bool:
    left, left_unit = (gold.value, gold.unit) if isinstance(gold, Quantity) else (gold, "")
    right, right_unit = (
        (answer.value, answer.unit) if isinstance(answer, Quantity) else (answer, "")
    )
    if left_unit == right_unit:
        return equal(left, right, same)
    if not (left_unit and right_unit):
        if equal(left, right, same):
            return True
        if "%" not in (left_unit, right_unit):
            return False
        hundred = Number(Fraction(100))
        if left_unit:
            return equal(Quotient(left, hundred), right, same)
        return equal(left, Quotient(right, hundred), same)
    known, other = unit_of(left_unit), unit_of(right_unit)
    if known is None or other is None:
        return "%" not in (left_unit, right_unit) and equal(left, right, same)
    if known[0] != other[0]:
        return False
    if known[1] == other[1]:
        return equal(left, right, same)
    factor = Number(known[1] / other[1])
    return equal(Product((left, factor)), right, same)


# ------------------------------------------------------------------------------------ plus-minus


def _spread(node: Node) -> Node:
    """`a \\pm b` as a list; a list with such items as one list; other nodes as they are."""
    if isinstance(node, Collection):
        items = [part for item in node.items for part in _variants(item)]
        return Collection(tuple(items), node.braces) if len(items) > 1 else items[0]
    variants = _variants(node)
    return Collection(tuple(variants), braces=False) if len(variants) > 1 else node


def _variants(node: Node) -> list[Node]:
    match node:
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
        case Relation(operators, sides) if operators == ("=",):
            return [Relation(operators, (sides[0], one)) for one in _variants(sides[1])]
        case Quantity(value, unit):
            return [Quantity(one, unit) for one in _variants(value)]
        case _:
            return [node]


def _has_sign(node: Node) -> bool:
    return isinstance(node, PlusMinus) or (isinstance(node, Quotient) and _has_sign(node.top))


def _minus(node: Node) -> Node:
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
