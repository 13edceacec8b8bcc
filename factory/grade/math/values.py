"""Equality of single values: quantities with units, digits in a base, rationals, decimals."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from factory.grade.math.exact import exact
from factory.grade.math.relations import Equal
from factory.grade.math.tree import Based, Node, Number, Product, Quantity, Quotient
from factory.grade.math.units import unit_of

MATCHING_FIGURES: Final = 6
MAX_DIGITS: Final = 2000


def values(gold: Node, answer: Node, equal: Equal, same: Equal) -> bool:
    if isinstance(gold, Quantity) or isinstance(answer, Quantity):
        return _quantities(gold, answer, equal)
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


def _quantities(gold: Node, answer: Node, equal: Equal) -> bool:
    left, left_unit = (gold.value, gold.unit) if isinstance(gold, Quantity) else (gold, "")
    right, right_unit = (
        (answer.value, answer.unit) if isinstance(answer, Quantity) else (answer, "")
    )
    if left_unit == right_unit:
        return equal(left, right)
    if not (left_unit and right_unit):
        if equal(left, right):
            return True
        if "%" not in (left_unit, right_unit):
            return False
        hundred = Number(Fraction(100))
        if left_unit:
            return equal(Quotient(left, hundred), right)
        return equal(left, Quotient(right, hundred))
    known, other = unit_of(left_unit), unit_of(right_unit)
    if known is None or other is None:
        return "%" not in (left_unit, right_unit) and equal(left, right)
    if known[0] != other[0]:
        return False
    if known[1] == other[1]:
        return equal(left, right)
    factor = Number(known[1] / other[1])
    return equal(Product((left, factor)), right)
