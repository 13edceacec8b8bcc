"""The normal form of a value: a quotient of polynomials, by which most pairs are decided exactly.

Letters are real; roots of odd index of negative numbers are real. What is decided by it is in
`same.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from factory.grade.math.angles import cosine, sine
from factory.grade.math.budget import tick
from factory.grade.math.conjugate import conjugate, may_be_complex
from factory.grade.math.exact import NotExact, based, exact
from factory.grade.math.polynomial import (
    ONE,
    Terms,
    TooMuch,
    add,
    atom,
    constant,
    factors,
    monomial_terms,
    times,
)
from factory.grade.math.powers import UNIT, Powers, Ratio, common_part
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

_HALF: Final = Fraction(1, 2)
MAX_STEPS: Final = 50
"""Largest difference of two factorials that are expressed by each other."""


class Normal(Powers):
    """Normal forms of one comparison."""

    def ratio(self, node: Node) -> Ratio:
        """Numerator and denominator of a value.

        Raises:
            TooMuch: It has no normal form within the limits.
        """
        tick()
        match node:
            case Number(value):
                return constant(value), UNIT
            case Symbol("oo"):
                raise TooMuch
            case Symbol(name):
                return atom(name), UNIT
            case Sum(terms):
                total: Ratio = ({}, UNIT)
                for term in terms:
                    total = self._add(total, self.ratio(term))
                return total
            case Product(parts):
                result: Ratio = (constant(1), UNIT)
                for part in parts:
                    result = self._times(result, self.ratio(part))
                return result
            case Quotient(top, bottom):
                return self._times(self.ratio(top), self._inverse(self.ratio(bottom)))
            case Power(base, exponent):
                return self._power(base, exponent)
            case Quantity(value, "%"):
                return self._times(self.ratio(value), (constant(Fraction(1, 100)), UNIT))
            case Quantity(value, "degree"):
                turn: Terms = {frozenset({("pi", 1)}): Fraction(1, 180)}
                return self._times(self.ratio(value), (turn, UNIT))
            case Quantity(value, _):
                return self.ratio(value)
            case Based(digits, base):
                try:
                    return constant(based(digits, base)), UNIT
                except NotExact:
                    raise TooMuch from None
            case Function(name, arguments):
                return self._function(name, arguments)
            case _:
                raise TooMuch

    # ---------------------------------------------------------------------------------- functions

    def _function(self, name: str, arguments: tuple[Node, ...]) -> Ratio:
        if name == "root":
            index = exact(arguments[1])
            if index is None or index == 0:
                return self._exponential(arguments[0], Quotient(Number(Fraction(1)), arguments[1]))
            return self._power(arguments[0], Number(1 / index))
        value = exact(Function(name, arguments))
        if value is not None:
            return constant(value), UNIT
        if name == "exp":
            return self._exponential(Symbol("e"), arguments[0])
        ratios = [self.ratio(argument) for argument in arguments]
        if name == "log":
            ten = (self._logarithm(constant(10)), UNIT)
            return self._times(self._function("ln", arguments), self._inverse(ten))
        if any(bottom != UNIT for _, bottom in ratios):
            raise TooMuch
        inner = [top for top, _ in ratios]
        if name == "ln":
            return self._logarithm(inner[0]), UNIT
        if name == "abs":
            return self._absolute(inner[0]), UNIT
        if name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            known = self._angle(name, inner[0])
            if known is not None:
                return known
        if name == "factorial":
            return self._factorial(inner[0])
        if name in ("equation", "sum", "prod", "int", "lim"):
            raise TooMuch
        return atom(("function", name, *(frozenset(part.items()) for part in inner))), UNIT

    def _logarithm(self, inner: Terms) -> Terms:
        if any(may_be_complex(name) for monomial in inner for name, _ in monomial):
            raise TooMuch  # such a logarithm is known up to whole turns only
        if len(inner) != 1:
            return atom(("function", "ln", frozenset(inner.items())))
        ((monomial, coefficient),) = inner.items()
        if coefficient <= 0:
            raise TooMuch
        total: Terms = {}
        for name, exponent in monomial:
            if name == "e":
                total = add(total, constant(exponent))
            elif isinstance(name, int) or name == "pi":
                total = add(total, _times_constant(_ln(name), exponent))
            elif isinstance(name, tuple) and name[0] == "pow" and name[1] == "e":
                total = add(total, {name[2]: Fraction(exponent)})
            elif len(monomial) == 1 and (exponent.denominator == 1 and exponent % 2 == 1):
                total = add(total, _times_constant(_ln(name), exponent))
            else:
                return atom(("function", "ln", frozenset(inner.items())))
        for part, sign in ((coefficient.numerator, 1), (coefficient.denominator, -1)):
            found = factors(part)
            if found is None:
                raise TooMuch
            for prime, count in found.items():
                total = add(total, _times_constant(_ln(prime), sign * count))
        return total

    def _absolute(self, inner: Terms) -> Terms:
        if not inner:
            return {}
        content = common_part(inner)
        primitive = {monomial: part / content for monomial, part in inner.items()}
        if primitive[max(primitive, key=hash)] < 0:
            primitive = {monomial: -part for monomial, part in primitive.items()}
        if len(primitive) > 1:
            conjugated = conjugate(primitive, positive=self.positive)
            if conjugated != primitive:
                squared = times(primitive, conjugated, self.work)
                return times(constant(content), self._to(squared, _HALF)[0], self.work)
            return times(constant(content), atom(("abs", frozenset(primitive.items()))), self.work)
        ((monomial, _),) = primitive.items()
        turned: dict[Any, Any] = {}
        for name, exponent in monomial:
            positive = isinstance(name, int) or name in ("pi", "e")
            if (
                positive
                or (isinstance(name, tuple) and name[0] == "abs")
                or (isinstance(name, str) and self.positive and name != "i")
            ):
                turned[name] = exponent
            elif isinstance(name, str) and name != "i":
                turned["abs", frozenset({(frozenset({(name, 1)}), Fraction(1))})] = exponent
            elif name != "i":
                raise TooMuch
        return monomial_terms(turned, content, self.work)

    def _factorial(self, inner: Terms) -> Ratio:
        """A factorial too large to write out, or of letters, as one met before times what lies
        between the two, so that factorials of neighbours are comparable."""
        for base in self.factorials:
            apart = add(inner, base, -1)
            steps = apart.get(ONE, Fraction(0))
            if len(apart) > 1 or (apart and ONE not in apart) or steps.denominator != 1:
                continue
            if abs(steps) <= MAX_STEPS:
                return self._times(self._opaque_factorial(base), self._steps(base, int(steps)))
        self.factorials.append(inner)
        return self._opaque_factorial(inner)

    def _opaque_factorial(self, inner: Terms) -> Ratio:
        return atom(("function", "factorial", frozenset(inner.items()))), UNIT

    def _steps(self, base: Terms, steps: int) -> Ratio:
        """`(base + steps)!` over `base!`."""
        between = constant(1)
        for step in range(1, steps + 1) if steps > 0 else range(steps + 1, 1):
            between = times(between, add(base, constant(step)), self.work)
        return (between, UNIT) if steps >= 0 else self._inverse((between, UNIT))

    def _angle(self, name: str, inner: Terms) -> Ratio | None:
        """The exact value at a multiple of 30 or 45 degrees; None elsewhere."""
        if inner and list(inner) != [frozenset({("pi", 1)})]:
            return None
        turns = next(iter(inner.values())) if inner else Fraction(0)
        up, across = sine(turns), cosine(turns)
        if up is None or across is None:
            return None
        top, bottom = {
            "sin": (up, UNIT), "cos": (across, UNIT), "tan": (up, across),
            "cot": (across, up), "sec": (UNIT, across), "csc": (UNIT, up),
        }[name]  # fmt: skip
        return top, UNIT if bottom is UNIT else bottom


def _ln(name: Any) -> Terms:
    return atom(("function", "ln", frozenset({(frozenset({(name, 1)}), Fraction(1))})))


def _times_constant(terms: Terms, factor: Any) -> Terms:
    return {monomial: part * factor for monomial, part in terms.items()}
