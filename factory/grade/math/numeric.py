"""Values of a tree at random points, with 50 digits: refutes unequal answers quickly.

Runs in the worker only. Letters are real; points where either side has no real value are skipped
unless neither ever has one. Refutation is sound up to a relative error of 1e-35 of the largest
intermediate value; agreement is a hint and no proof.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any, Final

from factory.grade.math.exact import NotExact, based
from factory.grade.math.spread import has_function, symbols
from factory.grade.math.tree import (
    CONSTANTS,
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
from factory.grade.math.values import close
from schemas.math_policy import MathPolicy

DIGITS: Final = 50
TRIES: Final = 16
_STEPS: Final = frozenset({"floor", "ceiling"})
"""Functions that round, so that whole numbers must be among the points."""
POINTS: Final = 5
MAX_EXPONENT: Final = 100_000.0
"""Natural logarithm of the largest value that is evaluated."""


class NoValue(Exception):  # noqa: N818 - a finding, not a failure
    """The tree has no number here: not a value, singular, or too large."""


class Evaluation:
    """One point: values of the letters, and the largest intermediate value met."""

    def __init__(
        self,
        letters: frozenset[str],
        seed: int,
        digits: int,
        *,
        positive: bool,
        whole: bool = False,
    ) -> None:
        import mpmath

        self.mp: Any = mpmath.mp
        self.mp.dps = digits
        rng = random.Random(seed)
        signs = (1,) if positive or seed % 2 else (1, -1)
        bottom = 1 if whole else 1_000_003
        top = (1, 9) if whole else (300_000, 2_700_000)
        self.letters = {
            name: self.mp.mpf(rng.randint(*top)) / bottom * rng.choice(signs)
            for name in sorted(letters)
        }
        self.largest: Any = self.mp.mpf(1)

    def value(self, node: Node) -> Any:
        """The value of a tree.

        Raises:
            NoValue: See above.
        """
        try:
            value = self._value(node)
        except (ZeroDivisionError, OverflowError, ValueError, NotExact) as error:
            raise NoValue(str(error)) from None
        if not self.mp.isfinite(value):
            raise NoValue("infinite")
        size = abs(value)
        if size > self.largest:
            self.largest = size
        return value

    def _value(self, node: Node) -> Any:
        mp = self.mp
        match node:
            case Number(value):
                return mp.mpf(value.numerator) / value.denominator
            case Symbol("pi"):
                return +mp.pi
            case Symbol("e"):
                return +mp.e
            case Symbol("i"):
                return mp.mpc(0, 1)
            case Symbol("oo"):
                raise NoValue("infinity")
            case Symbol(name):
                return self.letters[name]
            case Sum(terms):
                return mp.fsum(self.value(term) for term in terms)
            case Product(factors):
                return mp.fprod(self.value(factor) for factor in factors)
            case Quotient(top, bottom):
                return self.value(top) / self.value(bottom)
            case Power(base, exponent):
                return self.power(self.value(base), self.value(exponent))
            case Quantity(value, "%"):
                return self.value(value) / 100
            case Quantity(value, "degree"):
                return self.value(value) * mp.pi / 180
            case Quantity(value, _):
                return self.value(value)
            case Based(digits, base):
                return mp.mpf(based(digits, base))
            case Function(name, arguments):
                return self.function(name, [self.value(argument) for argument in arguments])
            case _:
                raise NoValue(type(node).__name__)

    def power(self, base: Any, exponent: Any) -> Any:
        if base == 0:
            if self.mp.re(exponent) <= 0:
                raise NoValue("power of zero")
            return base
        if abs(exponent) * abs(self.mp.log(base)) > MAX_EXPONENT:
            raise NoValue("too large")
        return base**exponent

    def function(self, name: str, values: list[Any]) -> Any:
        mp = self.mp
        x = values[0]
        if name == "root":
            return self.root(x, values[1])
        if name == "equation":
            raise NoValue(name)
        if name in ("abs", "floor"):
            return abs(x) if name == "abs" else mp.floor(x)
        if name == "sgn":
            return mp.sign(x)
        if name == "double factorial":
            if abs(x) > 20_000:
                raise NoValue("too large")
            return mp.fac2(x)
        if name == "ceiling":
            return mp.ceil(x)
        if name == "factorial":
            if abs(x) > 20_000:
                raise NoValue("too large")
            return mp.factorial(x)
        if name == "binomial" and len(values) == 2:
            if max(map(abs, values)) > 20_000:
                raise NoValue("too large")
            return mp.binomial(*values)
        if name in ("min", "max"):
            if any(mp.im(value) != 0 for value in values):
                raise NoValue("not real")
            return (min if name == "min" else max)(mp.re(value) for value in values)
        if len(values) == 1 and name in _ONE_ARGUMENT:
            if name in ("exp", "sinh", "cosh", "tanh") and abs(x) > MAX_EXPONENT:
                raise NoValue("too large")
            if abs(x) > mp.mpf(10) ** 1000 or abs(mp.im(x)) > MAX_EXPONENT:
                raise NoValue("too large")
            return getattr(mp, _ONE_ARGUMENT[name])(x)
        if is_unknown(name):
            return self.unknown(name, values)
        raise NoValue(name)

    def root(self, x: Any, index: Any) -> Any:
        """The real root where there is one (`\\sqrt[3]{-8}` is -2), else the principal one."""
        mp = self.mp
        if mp.im(x) == 0 and mp.re(x) < 0 and index in (3, 5, 7, 9):
            return -self.power(-mp.re(x), 1 / index)
        return mp.sqrt(x) if index == 2 else self.power(x, 1 / index)

    def unknown(self, name: str, values: list[Any]) -> Any:
        """An unknown function: a fixed one with nothing special about it, chosen by its name."""
        rng = random.Random(f"{name}/{len(values)}")
        total = self.mp.mpf(0)
        for value in values:
            if abs(self.mp.im(value)) > 100:
                raise NoValue("too large")
            total += 5 * self.mp.sin(value * rng.randint(2, 9) + rng.randint(1, 100))
        return total


def is_unknown(name: str) -> bool:
    """Whether it is a function that the answer only names: `f`, `g`, `h`, a derivative, inverse."""
    return name.removesuffix("^-1").rstrip("'") in ("f", "g", "h")


_ONE_ARGUMENT: Final = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh",
    "ln": "ln", "log": "log10", "exp": "exp",
}  # fmt: skip


def refuted(gold: Node, answer: Node, policy: MathPolicy, digits: int = DIGITS) -> bool | None:
    """Whether the values differ at some point.

    Neither is a decimal that may be rounded: those are for `rounds`. True where they do; False
    where `POINTS` points (one for constants) agree to all but ten of `digits`; None where too few
    points have a value, or some are in between.
    """
    letters = (symbols(gold) | symbols(answer)) - CONSTANTS
    agreed = doubtful = 0
    steps = has_function(gold, _STEPS) or has_function(answer, _STEPS)
    for seed in range(TRIES):
        positive, whole = policy.letters == "positive", steps and seed % 2 == 1
        point = Evaluation(letters, seed, digits, positive=positive, whole=whole)
        try:
            left, right = point.value(gold), point.value(answer)
        except NoValue:
            continue
        finally:
            largest = point.largest
        apart = abs(left - right)
        if apart > largest * point.mp.mpf(10) ** (15 - digits):
            if letters and (point.mp.im(left) == 0) != (point.mp.im(right) == 0):
                continue
            return True
        scale = max(abs(left), abs(right))
        if apart == 0 or apart <= scale * point.mp.mpf(10) ** (10 - digits):
            agreed += 1
        else:
            doubtful += 1
        if agreed >= (POINTS if letters else 1):
            return False
    return None if agreed < 1 or doubtful else False


def rounds(gold: Node, answer: Node, policy: MathPolicy) -> bool:
    """Whether one of two constants is a decimal to which the other rounds or is cut, or they are
    equal as far as the digits of the decimal go and thirty further."""
    if (symbols(gold) | symbols(answer)) - CONSTANTS:
        return False
    figures = max(node.figures if isinstance(node, Number) else 0 for node in (gold, answer))
    point = Evaluation(frozenset(), 0, figures + 30, positive=False)
    try:
        left, right = point.value(gold), point.value(answer)
    except NoValue:
        return False
    mp = point.mp
    if mp.im(left) != 0 or mp.im(right) != 0:
        return False
    if max(abs(left), abs(right)) > 10**100:
        return False
    shift = 10 ** (mp.dps + 10)
    first, second = (Fraction(int(mp.floor(mp.re(one) * shift)), shift) for one in (left, right))
    first = gold.value if isinstance(gold, Number) else first
    second = answer.value if isinstance(answer, Number) else second
    return close(policy, gold, answer, first, second)
