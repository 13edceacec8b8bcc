"""The normal form of a value: a quotient of polynomials, by which most pairs are decided exactly.

Equal normal forms are a proof that two values are equal wherever both are defined. Different ones
are a proof that they differ if only atoms are left that are algebraically independent: letters,
roots of primes, `i`, and one of pi and e. Else, and for what has no normal form, the answer is None
and another tier decides. Letters are real; roots of odd index of negative numbers are real.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from factory.grade.math.angles import cosine, sine
from factory.grade.math.budget import tick
from factory.grade.math.exact import NotExact, based, exact
from factory.grade.math.polynomial import (
    MAX_BITS,
    MAX_FULL,
    ONE,
    Terms,
    TooMuch,
    Work,
    add,
    atom,
    constant,
    factors,
    monomial_terms,
    power,
    times,
    whole,
)
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

MAX_STEPS: Final = 50
"""Largest difference of two factorials that are expressed by each other."""

Ratio = tuple[Terms, Terms]
"""Numerator and denominator."""
_UNIT: Final[Terms] = {ONE: Fraction(1)}


class Normal:
    """Normal forms of one comparison; they share its budget."""

    def __init__(self, *, positive: bool = False) -> None:
        self.work = Work()
        self.positive = positive
        self.factorials: list[Terms] = []

    def ratio(self, node: Node) -> Ratio:
        """Numerator and denominator of a value.

        Raises:
            TooMuch: It has no normal form within the limits.
        """
        tick()
        match node:
            case Number(value):
                return constant(value), _UNIT
            case Symbol("oo"):
                raise TooMuch
            case Symbol(name):
                return atom(name), _UNIT
            case Sum(terms):
                total: Ratio = ({}, _UNIT)
                for term in terms:
                    total = self._add(total, self.ratio(term))
                return total
            case Product(parts):
                result: Ratio = (constant(1), _UNIT)
                for part in parts:
                    result = self._times(result, self.ratio(part))
                return result
            case Quotient(top, bottom):
                return self._times(self.ratio(top), self._inverse(self.ratio(bottom)))
            case Power(base, exponent):
                return self._power(base, exponent)
            case Quantity(value, "%"):
                return self._times(self.ratio(value), (constant(Fraction(1, 100)), _UNIT))
            case Quantity(value, "degree"):
                turn: Terms = {frozenset({("pi", 1)}): Fraction(1, 180)}
                return self._times(self.ratio(value), (turn, _UNIT))
            case Quantity(value, _):
                return self.ratio(value)
            case Based(digits, base):
                try:
                    return constant(based(digits, base)), _UNIT
                except NotExact:
                    raise TooMuch from None
            case Function(name, arguments):
                return self._function(name, arguments)
            case _:
                raise TooMuch

    def _add(self, left: Ratio, right: Ratio) -> Ratio:
        if left[1] == right[1]:
            return add(left[0], right[0]), left[1]
        tops = (
            times(left[0], right[1], self.work),
            times(right[0], left[1], self.work),
        )
        return add(*tops), times(left[1], right[1], self.work)

    def _times(self, left: Ratio, right: Ratio) -> Ratio:
        if left[1] is _UNIT and right[1] is _UNIT:
            return times(left[0], right[0], self.work), _UNIT
        bottom = times(left[1], right[1], self.work)
        return times(left[0], right[0], self.work), bottom

    def _inverse(self, ratio: Ratio) -> Ratio:
        top, bottom = ratio
        if not top:
            raise TooMuch
        if len(top) == 1:
            ((monomial, coefficient),) = top.items()
            turned = {name: -exponent for name, exponent in monomial}
            inverse = monomial_terms(turned, 1 / coefficient, self.work)
            return times(bottom, inverse, self.work), _UNIT
        return bottom, top

    # ------------------------------------------------------------------------------------- powers

    def _power(self, base: Node, exponent: Node) -> Ratio:
        value = exact(exponent)
        if value is None:
            return self._exponential(base, exponent)
        ratio = self.ratio(base)
        if value < 0:
            ratio, value = self._inverse(ratio), -value
        top, bottom = (self._to(part, value) for part in ratio)
        if value == 0:
            if not ratio[0]:
                raise TooMuch  # zero to the power of zero
            return constant(1), _UNIT
        return self._times(top, self._inverse(bottom)) if bottom[0] != _UNIT else top

    def _to(self, terms: Terms, value: Fraction) -> Ratio:
        """A polynomial to a positive rational power; its sign stays where the root is real."""
        if not terms or terms == _UNIT:
            return terms, _UNIT
        if len(terms) > 1:
            return self._sum_to(terms, value), _UNIT
        ((monomial, coefficient),) = terms.items()
        if value.denominator == 1:
            turned = {name: whole(exponent * value) for name, exponent in monomial}
            return self._scaled(coefficient, value, turned), _UNIT
        even = value.denominator % 2 == 0
        turned: dict[Any, Any] = {}
        inside: list[tuple[Any, Any]] = []
        for name, exponent in monomial:
            if isinstance(name, int) or name in ("pi", "e"):
                turned[name] = exponent * value
            elif isinstance(name, str) and name != "i":
                result = exponent * value
                hidden = even and exponent.denominator == 1 and exponent % 2 == 0
                if hidden and not self.positive and result % 2 != 0:
                    turned["abs", frozenset({(frozenset({(name, 1)}), Fraction(1))})] = result
                else:
                    turned[name] = result
            elif isinstance(name, tuple) and name[0] in ("abs", "root") and exponent > 0:
                turned[name] = exponent * value
            else:
                inside.append((name, exponent))
        if inside:
            if inside == [("i", 1)] and not turned:
                raise TooMuch
            raise TooMuch
        return self._scaled(coefficient, value, turned), _UNIT

    def _scaled(self, coefficient: Fraction, value: Fraction, turned: dict[Any, Any]) -> Terms:
        """`coefficient ** value` times a monomial."""
        negative = coefficient < 0
        number = abs(coefficient)
        if value.denominator == 1:
            size = max(number.numerator.bit_length(), number.denominator.bit_length())
            if number == 1 or size * value <= MAX_BITS:
                self.work.spend(int(size * value) // 512)
                sign = -1 if negative and value % 2 else 1
                return monomial_terms(turned, sign * number ** int(value), self.work)
        for part, sign in ((number.numerator, 1), (number.denominator, -1)):
            found = factors(part)
            if found is None:
                turned["root", frozenset({(ONE, Fraction(part))})] = sign * value
                continue
            for prime, count in found.items():
                turned[prime] = turned.get(prime, 0) + sign * count * value
        sign = 1
        if negative:
            if value.denominator == 2:
                turned["i"] = value.numerator
            elif value.denominator % 2 == 0:
                raise TooMuch
            elif value.numerator % 2:
                sign = -1
        return monomial_terms(turned, Fraction(sign), self.work)

    def _sum_to(self, terms: Terms, value: Fraction) -> Terms:
        if value.denominator == 1:
            if value > MAX_FULL:
                return atom(("root", frozenset(terms.items())), value)
            return power(terms, int(value), self.work)
        content = _content(terms)
        primitive = {monomial: part / content for monomial, part in terms.items()}
        outside = self._scaled(content, value, {})
        opaque = monomial_terms(
            {("root", frozenset(primitive.items())): value}, Fraction(1), self.work
        )
        return times(outside, opaque, self.work)

    def _exponential(self, base: Node, exponent: Node) -> Ratio:
        """A power with letters or irrational numbers in its exponent, split over its terms."""
        top, bottom = self.ratio(exponent)
        if bottom != _UNIT:
            raise TooMuch
        basis = self.ratio(base)
        if basis[1] != _UNIT or len(basis[0]) != 1:
            raise TooMuch
        ((monomial, coefficient),) = basis[0].items()
        bases: list[tuple[Any, Fraction | int]] = list(monomial)
        if coefficient < 0:
            bases.append((-1, 1))
        for part, sign in ((abs(coefficient).numerator, 1), (abs(coefficient).denominator, -1)):
            found = factors(part)
            if found is None:
                raise TooMuch
            bases += [(prime, sign * count) for prime, count in found.items()]
        result: Terms = constant(1)
        for name, count in bases:
            for term, factor in top.items():
                result = times(result, self._one_power(name, term, factor * count), self.work)
        return result, _UNIT

    def _one_power(self, name: Any, term: Any, factor: Fraction) -> Terms:
        if term == ONE:
            if name == -1:
                if factor.denominator != 1:
                    raise TooMuch
                return constant(-1 if factor % 2 else 1)
            return monomial_terms({name: factor}, Fraction(1), self.work)
        if name == "e" and term == frozenset({("i", 1), ("pi", 1)}):
            real, imaginary = cosine(factor), sine(factor)
            if real is None or imaginary is None:
                raise TooMuch
            return add(real, times(imaginary, atom("i"), self.work))
        return atom(("pow", name, term), factor)

    # ---------------------------------------------------------------------------------- functions

    def _function(self, name: str, arguments: tuple[Node, ...]) -> Ratio:
        if name == "root":
            index = exact(arguments[1])
            if index is None or index == 0:
                return self._exponential(arguments[0], Quotient(Number(Fraction(1)), arguments[1]))
            return self._power(arguments[0], Number(1 / index))
        value = exact(Function(name, arguments))
        if value is not None:
            return constant(value), _UNIT
        if name == "exp":
            return self._exponential(Symbol("e"), arguments[0])
        ratios = [self.ratio(argument) for argument in arguments]
        if name == "log":
            ten = (self._logarithm(constant(10)), _UNIT)
            return self._times(self._function("ln", arguments), self._inverse(ten))
        if any(bottom != _UNIT for _, bottom in ratios):
            raise TooMuch
        inner = [top for top, _ in ratios]
        if name == "ln":
            return self._logarithm(inner[0]), _UNIT
        if name == "abs":
            return self._absolute(inner[0]), _UNIT
        if name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            known = self._angle(name, inner[0])
            if known is not None:
                return known
        if name == "factorial":
            return self._factorial(inner[0])
        if name in ("equation", "sum", "prod", "int", "lim"):
            raise TooMuch
        return atom(("function", name, *(frozenset(part.items()) for part in inner))), _UNIT

    def _logarithm(self, inner: Terms) -> Terms:
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
        content = _content(inner)
        primitive = {monomial: part / content for monomial, part in inner.items()}
        if primitive[max(primitive, key=hash)] < 0:
            primitive = {monomial: -part for monomial, part in primitive.items()}
        if len(primitive) > 1:
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
        return atom(("function", "factorial", frozenset(inner.items()))), _UNIT

    def _steps(self, base: Terms, steps: int) -> Ratio:
        """`(base + steps)!` over `base!`."""
        between = constant(1)
        for step in range(1, steps + 1) if steps > 0 else range(steps + 1, 1):
            between = times(between, add(base, constant(step)), self.work)
        return (between, _UNIT) if steps >= 0 else self._inverse((between, _UNIT))

    def _angle(self, name: str, inner: Terms) -> Ratio | None:
        """The exact value at a multiple of 30 or 45 degrees; None elsewhere."""
        if inner and list(inner) != [frozenset({("pi", 1)})]:
            return None
        turns = next(iter(inner.values())) if inner else Fraction(0)
        up, across = sine(turns), cosine(turns)
        if up is None or across is None:
            return None
        top, bottom = {
            "sin": (up, _UNIT), "cos": (across, _UNIT), "tan": (up, across),
            "cot": (across, up), "sec": (_UNIT, across), "csc": (_UNIT, up),
        }[name]  # fmt: skip
        return top, _UNIT if bottom is _UNIT else bottom


def _ln(name: Any) -> Terms:
    return atom(("function", "ln", frozenset({(frozenset({(name, 1)}), Fraction(1))})))


def _times_constant(terms: Terms, factor: Any) -> Terms:
    return {monomial: part * factor for monomial, part in terms.items()}


def _content(terms: Terms) -> Fraction:
    """The positive rational by which all coefficients can be divided and stay whole."""
    from math import gcd, lcm

    tops = [abs(part.numerator) for part in terms.values()]
    return Fraction(gcd(*tops), lcm(*(part.denominator for part in terms.values())))


# -------------------------------------------------------------------------------------- decisions


def same_normal(left: Node, right: Node, *, positive: bool = False) -> bool | None:
    """Whether two values are equal: proven, refuted, or None."""
    normal = Normal(positive=positive)
    try:
        one, other = normal.ratio(left), normal.ratio(right)
        if not one[1] or not other[1]:
            return None
        if one[1] == other[1]:
            difference = add(one[0], other[0], -1)
        else:
            difference = add(
                times(one[0], other[1], normal.work), times(other[0], one[1], normal.work), -1
            )
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    if not difference:
        return True
    return False if _independent(difference) else None


def proportional(left: Node, right: Node) -> bool | None:
    """Whether `left = 0` and `right = 0` are one equation up to a constant factor, or None."""
    normal = Normal()
    try:
        one, other = _cleared(normal.ratio(left)[0]), _cleared(normal.ratio(right)[0])
        if not one or not other:
            return not one and not other
        first, second = _by_letters(one), _by_letters(other)
        if first.keys() != second.keys():
            return False if _independent(one) and _independent(other) else None
        reference = next(iter(first))
        for letters, part in first.items():
            crossed = add(
                times(part, second[reference], normal.work),
                times(second[letters], first[reference], normal.work),
                -1,
            )
            if crossed:
                return False if _independent(one) and _independent(other) else None
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    return True


def _cleared(terms: Terms) -> Terms:
    """The terms of an equation times the letters that stand in their denominators."""
    lowest: dict[Any, Any] = {}
    for monomial in terms:
        for name, exponent in monomial:
            if isinstance(name, str) and exponent < lowest.get(name, 0):
                lowest[name] = exponent
    if not lowest:
        return terms
    cleared: Terms = {}
    for monomial, part in terms.items():
        exponents = dict(monomial)
        for name, exponent in lowest.items():
            exponents[name] = exponents.get(name, 0) - exponent
        cleared[frozenset(pair for pair in exponents.items() if pair[1])] = part
    return cleared


def ratio_of(left: Node, right: Node) -> Fraction | None:
    """The rational `c` with `left = c * right`; None where there is none, or it is not seen."""
    normal = Normal()
    try:
        one, other = normal.ratio(left), normal.ratio(right)
        if one[1] != other[1] or one[0].keys() != other[0].keys() or not one[0]:
            return None
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    ratios = {part / other[0][monomial] for monomial, part in one[0].items()}
    return ratios.pop() if len(ratios) == 1 else None


def linear(node: Node) -> tuple[Fraction, Fraction] | None:
    """Slope and root of a value that is linear in its one letter, both rational; else None."""
    try:
        top, bottom = Normal().ratio(node)
    except (TooMuch, ZeroDivisionError, OverflowError):
        return None
    if bottom != _UNIT:
        return None
    slopes = [monomial for monomial in top if monomial != ONE]
    if len(slopes) != 1 or len(slopes[0]) != 1:
        return None
    ((name, exponent),) = slopes[0]
    if exponent != 1 or not isinstance(name, str) or _is_constant(name):
        return None
    slope = top[slopes[0]]
    return slope, -top.get(ONE, Fraction(0)) / slope


def _by_letters(terms: Terms) -> dict[Any, Terms]:
    """Coefficients without letters, by the monomial of letters that they stand before."""
    found: dict[Any, Terms] = {}
    for monomial, part in terms.items():
        constants = frozenset(pair for pair in monomial if _is_constant(pair[0]))
        found.setdefault(monomial - constants, {})[constants] = part
    return found


def _is_constant(name: Any) -> bool:
    return isinstance(name, int) or name in ("pi", "e", "i")


def _independent(terms: Terms) -> bool:
    names = {(name, exponent) for monomial in terms for name, exponent in monomial}
    if len(terms) == 2 and all(isinstance(name, int) for name, _ in names):
        return True  # powers of primes too large to write out: they factor in one way
    transcendental = {name for name, _ in names} & {"pi", "e"}
    return len(transcendental) < 2 and all(
        isinstance(name, str) or (isinstance(name, int) and 0 < exponent < 1)
        for name, exponent in names
    )
