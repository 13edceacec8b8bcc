"""Equality of single values: quantities with units, digits in a base, rationals, decimals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from factory.grade.math.exact import NotExact, based, exact
from factory.grade.math.spread import symbols
from factory.grade.math.tree import (
    Based,
    Function,
    Node,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Sum,
    Symbol,
)
from factory.grade.math.units import Unit, same_words, unit_of
from schemas.math_policy import MathPolicy

MAX_DIGITS: Final = 2000
_MINUS_ONE: Final = Number(Fraction(-1))
_BIG_OPERATORS: Final = frozenset({"sum", "prod", "int", "lim"})
_HUNDRED: Final = Number(Fraction(100))
_DEGREES: Final = frozenset({"degree", "degrees", "deg"})
_RADIANS: Final = frozenset({"rad", "rads", "radian", "radians"})


class Values(ABC):
    """Equality of values under a policy; what it cannot decide is left to `same`."""

    def __init__(self, policy: MathPolicy, same: Callable[[Node, Node], bool]) -> None:
        self.policy = policy
        self.same = same

    @abstractmethod
    def equal(self, gold: Node, answer: Node) -> bool: ...

    def values(self, gold: Node, answer: Node) -> bool:
        """Whether two nodes that are no structures have the same value."""
        if isinstance(gold, Quantity) or isinstance(answer, Quantity):
            return self._quantities(gold, answer)
        if isinstance(_unsigned(gold), Based) or isinstance(_unsigned(answer), Based):
            return self._based(gold, answer)
        if isinstance(gold, Function) and gold.name in _BIG_OPERATORS:
            return (
                isinstance(answer, Function)
                and gold.name == answer.name
                and len(gold.arguments) == len(answer.arguments)
                and all(map(self.equal, gold.arguments, answer.arguments))
            )
        left, right = exact(gold), exact(answer)
        if left is not None and right is not None:
            return left == right or close(self.policy, gold, answer, left, right)
        return self.same(gold, answer)

    def _based(self, gold: Node, answer: Node) -> bool:
        if _is_negative(gold) != _is_negative(answer):
            return False
        gold, answer = _unsigned(gold), _unsigned(answer)
        if isinstance(gold, Based) and isinstance(answer, Based):
            if gold.base == answer.base:
                return gold.digits.lstrip("0").lower() == answer.digits.lstrip("0").lower()
            return _value(gold) == _value(answer) is not None
        if isinstance(answer, Based):
            value = _value(answer)
            return value is not None and self.equal(gold, Number(Fraction(value)))
        if not isinstance(gold, Based):
            return self.equal(gold, answer)
        if gold.base == 10 and gold.digits.isdecimal():
            return self.equal(Number(Fraction(gold.digits)), answer)
        if not self.policy.missing_base:
            return False
        if isinstance(answer, Number):
            return (
                gold.digits.isdecimal()
                and len(gold.digits) < MAX_DIGITS
                and answer.value == Fraction(gold.digits)
            )
        return isinstance(answer, Product) and _spelled(answer) == gold.digits.lower()

    # ------------------------------------------------------------------------------- quantities

    def _quantities(self, gold: Node, answer: Node) -> bool:
        left, left_unit = _parts(gold)
        right, right_unit = _parts(answer)
        if left_unit == right_unit:
            return self.equal(left, right)
        if "%" in (left_unit, right_unit):
            return self._percent(left, left_unit, right, right_unit)
        if not (left_unit and right_unit):
            unit, value, other = (
                (left_unit, left, right) if left_unit else (right_unit, right, left)
            )
            return self._one_unit(value, unit, other)
        known, second = unit_of(left_unit), unit_of(right_unit)
        if left_unit in _RADIANS or right_unit in _RADIANS:
            return self._angles(left, left_unit, right, right_unit)
        if known is None or second is None:
            return same_words(left_unit, right_unit) and self.equal(left, right)
        if known.dimension != second.dimension:
            return False
        if known == second:
            return self.equal(left, right)
        return self.policy.convert_units and self.equal(_based_on(left, known, second), right)

    def _percent(self, left: Node, left_unit: str, right: Node, right_unit: str) -> bool:
        if left_unit and right_unit:
            return False
        if right_unit and _is_share(left):
            return self.equal(left, Quotient(right, _HUNDRED))
        value, other = (left, right) if left_unit else (right, left)
        if (
            self.policy.percent == "either"
            and self.policy.missing_unit
            and self.equal(value, other)
        ):
            return True
        return self.equal(Quotient(value, _HUNDRED), other)

    def _one_unit(self, value: Node, unit: str, other: Node) -> bool:
        """A quantity against a value without a unit, or with it as a letter (`5m`)."""
        if isinstance(other, Product) and isinstance(other.factors[-1], Symbol):
            letter, rest = other.factors[-1].name.lower(), other.factors[:-1]
            if letter == unit or unit_of(letter) is not None:
                return self._quantities(
                    Quantity(value, unit),
                    Quantity(rest[0] if len(rest) == 1 else Product(rest), letter),
                )
        if unit in _DEGREES and "pi" in symbols(other):
            return self.equal(_radians(value), other)
        if unit.startswith("mod ") and not _is_residue(value, unit):
            return False
        return self.policy.missing_unit and self.equal(value, other)

    def _angles(self, left: Node, left_unit: str, right: Node, right_unit: str) -> bool:
        if left_unit in _RADIANS and right_unit in _RADIANS:
            return self.equal(left, right)
        sides = [
            (value if unit in _RADIANS else _radians(value))
            for value, unit in ((left, left_unit), (right, right_unit))
        ]
        degrees = {left_unit, right_unit} - _RADIANS
        return degrees <= _DEGREES and self.equal(*sides)


def _is_negative(node: Node) -> bool:
    if isinstance(node, Product):
        return _is_negative(node.factors[0])
    return isinstance(node, Number) and node.value < 0


def _unsigned(node: Node) -> Node:
    """Digits in a base, or a number, without a minus sign before them."""
    if isinstance(node, Product) and len(node.factors) == 2 and node.factors[0] == _MINUS_ONE:
        return node.factors[1]
    if isinstance(node, Number) and node.value < 0:
        return Number(-node.value, node.last_place, node.figures)
    return node


def _is_share(gold: Node) -> bool:
    """Whether a gold without a percent sign is below one, so that a sign on it would shift it."""
    value = exact(gold)
    return value is not None and 0 < abs(value) < 1


def _is_residue(value: Node, unit: str) -> bool:
    """Whether the value is the least one of its class, so that the modulus may be missing."""
    number, modulus = exact(value), unit.removeprefix("mod ")
    return number is not None and modulus.isdecimal() and 0 <= number < int(modulus[:20])


def _parts(node: Node) -> tuple[Node, str]:
    return (node.value, node.unit) if isinstance(node, Quantity) else (node, "")


def _radians(degrees: Node) -> Node:
    return Product((degrees, Quotient(Symbol("pi"), Number(Fraction(180)))))


def _based_on(value: Node, unit: Unit, other: Unit) -> Node:
    """The value of a quantity in another unit of its dimension."""
    factor = Number(unit.size / other.size)
    shift = (unit.shift - other.shift) / other.size
    converted = Product((value, factor))
    return Sum((converted, Number(shift))) if shift else converted


def _value(node: Based) -> int | None:
    try:
        return based(node.digits, node.base)
    except NotExact:
        return None


def _spelled(node: Product) -> str | None:
    """Digits and letters side by side (`2A`), as the digits of a base are read without it."""
    text = ""
    for factor in node.factors:
        if isinstance(factor, Symbol):
            text += factor.name
        elif isinstance(factor, Number) and factor.value.denominator == 1:
            text += str(factor.value)
        else:
            return None
    return text.lower()


# -------------------------------------------------------------------------------------- decimals


def close(policy: MathPolicy, gold: Node, answer: Node, left: Fraction, right: Fraction) -> bool:
    """Whether one is a decimal of enough figures to which the other, exact, rounds or cuts."""
    for one, other, written, value in ((gold, answer, left, right), (answer, gold, right, left)):
        place = last_place(policy, one)
        if place is None or last_place(policy, other) is not None or is_decimal(other):
            continue
        if rounds_to(written, place, value):
            return True
    return False


def rounds_to(written: Fraction, place: Fraction, value: Fraction) -> bool:
    """Whether a value rounds to, or is cut to, what is written with this last place."""
    apart = abs(written - value)
    return apart <= place / 2 or (apart < place and abs(written) < abs(value))


def last_place(policy: MathPolicy, node: Node) -> Fraction | None:
    """One unit in the last place of a decimal with enough figures, else None."""
    if isinstance(node, Number) and node.last_place and node.figures >= policy.decimal_figures > 0:
        return node.last_place
    return None


def is_decimal(node: Node) -> bool:
    """Whether it is written as a decimal: two of those are equal only if their values are."""
    if isinstance(node, Power | Quotient | Sum):
        return False
    return isinstance(node, Number) and node.last_place is not None
