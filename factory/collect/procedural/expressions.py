"""Small arithmetic expressions: exact value, canonical skeleton, and how a number is written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Operation = Literal["+", "-", "*", "/"]


@dataclass(frozen=True)
class Number:
    """A number as the statement writes it: `12`, `0.5`, `3/4`."""

    text: str

    @property
    def value(self) -> Fraction:
        return Fraction(self.text)


@dataclass(frozen=True)
class Step:
    """One operation on two numbers or on results of other operations."""

    left: Expression
    operation: Operation
    right: Expression

    @property
    def value(self) -> Fraction:
        left, right = self.left.value, self.right.value
        match self.operation:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right


Expression = Number | Step


def skeleton(expression: Expression) -> str:
    """Canonical text of the numbers and operations.

    Sums are flattened to sorted signed terms and products to sorted factors, so `a + b - c` and
    `b - c + a` are one skeleton; nothing else is rewritten.
    """
    if isinstance(expression, Number):
        return expression.text
    signs = "+-" if expression.operation in "+-" else "*/"
    return "(" + " ".join(sorted(_terms(expression, signs, signs[0]))) + ")"


def _terms(expression: Expression, signs: str, sign: str) -> list[str]:
    if isinstance(expression, Number) or expression.operation not in signs:
        return [sign + skeleton(expression)]
    flip = signs[1] if sign == signs[0] else signs[0]
    right = sign if expression.operation == signs[0] else flip
    return _terms(expression.left, signs, sign) + _terms(expression.right, signs, right)


def steps_in_order(expression: Expression) -> list[Step]:
    """The operations in an order in which they can be worked out."""
    if isinstance(expression, Number):
        return []
    return [*steps_in_order(expression.left), *steps_in_order(expression.right), expression]


def plain(value: Fraction) -> str:
    """The number in running text: `12`, `3/4`."""
    return str(value.numerator) if value.denominator == 1 else str(value)


def decimal(value: Fraction) -> str:
    """A number with at most two decimal places: `12`, `0.5`, `1.25`."""
    hundredths = value * 100
    assert hundredths.denominator == 1, f"{value} has more than two decimal places"
    whole, rest = divmod(abs(hundredths.numerator), 100)
    text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def latex(value: Fraction) -> str:
    """The number as a boxed answer: `12`, `\\frac{3}{4}`."""
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
