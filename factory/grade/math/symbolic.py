"""Proof by sympy: objects are built from our tree, with sizes checked before anything evaluates.

Runs in the worker only, which a deadline kills and a memory limit holds.
"""

from __future__ import annotations

from typing import Any, Final

from factory.grade.math.exact import NotExact, based
from factory.grade.math.numeric import is_unknown, refuted, rounds
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
from factory.grade.math.values import last_place
from schemas.math_policy import MathPolicy

CONFIRMING_DIGITS: Final = 400
"""What sympy can neither prove nor refute is equal if so many digits agree at every point."""
MAX_BITS: Final = 1_000_000
MAX_FACTORIAL: Final = 10_000
MAX_EXPANDED_POWER: Final = 200


class TooLarge(Exception):  # noqa: N818 - a finding, not a failure
    """Evaluating this would go past the size limits."""


class NotSymbolic(Exception):  # noqa: N818 - a finding, not a failure
    """The tree holds something that is no single value."""


def same_value(gold: Node, answer: Node, policy: MathPolicy) -> tuple[bool, str]:
    """Whether two values are equal, and which tier decided: `numeric` or `sympy`.

    Raises:
        TooLarge: Neither refuted nor within the size limits.
        NotSymbolic: A structure stands where a value should.
    """
    if _is_equation(gold) and _is_equation(answer):
        return _proportional(gold.arguments[0], answer.arguments[0]), "sympy"  # type: ignore[attr-defined]
    if last_place(policy, gold) or last_place(policy, answer):
        return rounds(gold, answer, policy), "numeric"
    finding = refuted(gold, answer, policy)
    if finding is True:
        return False, "numeric"
    difference = build(gold) - build(answer)
    if difference == 0 or _vanishes(difference):
        return True, "sympy"
    confirmed = finding is False and refuted(gold, answer, policy, CONFIRMING_DIGITS) is False
    return confirmed, "numeric"


def _vanishes(difference: Any) -> bool:
    import sympy

    if sympy.expand(difference) == 0:
        return True
    return bool(sympy.simplify(difference) == 0)


def _is_equation(node: Node) -> bool:
    return isinstance(node, Function) and node.name == "equation"


def _proportional(left: Node, right: Node) -> bool:
    import sympy

    one, other = build(left), build(right)
    if one == 0 or other == 0:
        return bool(one == other)
    ratio = sympy.cancel(sympy.together(one / other))
    if not ratio.is_number:
        ratio = sympy.simplify(ratio)
    return bool(ratio.is_number and ratio.is_finite and ratio != 0)


def build(node: Node) -> Any:
    """The sympy object of a tree.

    Raises:
        TooLarge, NotSymbolic: See above.
    """
    import sympy

    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Symbol("pi"):
            return sympy.pi
        case Symbol("e"):
            return sympy.E
        case Symbol("i"):
            return sympy.I
        case Symbol("oo"):
            raise NotSymbolic("infinity in an expression")
        case Symbol(name):
            return sympy.Symbol(name, real=True)
        case Sum(terms):
            return sympy.Add(*(build(term) for term in terms))
        case Product(factors):
            return sympy.Mul(*(build(factor) for factor in factors))
        case Quotient(top, bottom):
            below = build(bottom)
            if below == 0:
                raise NotSymbolic("division by zero")
            return build(top) / below
        case Power(base, exponent):
            return _power(build(base), build(exponent))
        case Quantity(value, "%"):
            return build(value) / 100
        case Quantity(value, "degree"):
            return build(value) * sympy.pi / 180
        case Quantity(value, _):
            return build(value)
        case Based(digits, base):
            try:
                return sympy.Integer(based(digits, base))
            except NotExact:
                raise NotSymbolic(f"digits {digits:.20} in base {base}") from None
        case Function(name, arguments):
            return _function(name, [build(argument) for argument in arguments])
        case _:
            raise NotSymbolic(type(node).__name__)


def _power(base: Any, exponent: Any) -> Any:
    if exponent.is_Rational:
        size = abs(exponent.p)
        if base.is_Rational:
            bits = max(int(base.p).bit_length(), int(base.q).bit_length())
            if bits * size > MAX_BITS:
                raise TooLarge(f"a power of more than {MAX_BITS} bits")
        elif exponent.is_Integer and size > MAX_EXPANDED_POWER and not base.is_Atom:
            raise TooLarge(f"an expression to a power above {MAX_EXPANDED_POWER}")
    return base**exponent


def _function(name: str, values: list[Any]) -> Any:
    import sympy

    x = values[0]
    if name == "root":
        if x.is_real and x.is_negative and values[1].is_Integer and values[1] % 2 == 1:
            return -sympy.root(-x, values[1])
        return sympy.root(x, values[1])
    if name in ("factorial", "binomial", "double factorial"):
        if any(value.is_number and abs(value) > MAX_FACTORIAL for value in values):
            raise TooLarge(name)
        if name == "double factorial" and not (x.is_Integer and x >= 0):
            raise NotSymbolic("a double factorial of what is no number")
        return getattr(sympy, _NAMES.get(name, name))(*values)
    if name == "log":
        return sympy.log(x) / sympy.log(10)
    if name in _NAMES:
        return getattr(sympy, _NAMES[name])(*values)
    if is_unknown(name):
        return sympy.Function(name)(*values)
    raise NotSymbolic(name)


_NAMES: Final = {
    "abs": "Abs", "floor": "floor", "ceiling": "ceiling", "min": "Min", "max": "Max",
    "ln": "log", "exp": "exp", "sin": "sin", "cos": "cos",
    "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh",
    "sgn": "sign", "double factorial": "factorial2",
}  # fmt: skip
