"""Sines and their kin as sums of exponentials: identities of trigonometry are then plain algebra.

`sin u` is `(e^{iu} - e^{-iu}) / 2i`; `e^{iu}` becomes a product of powers of one atom for each term
of `u`, so `sin 2x` and `2 sin x cos x` have one normal form. Equal forms are a proof; different
ones say nothing.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from factory.grade.math.normal import Normal
from factory.grade.math.polynomial import Terms, add, constant, times
from factory.grade.math.powers import UNIT, Ratio
from factory.grade.math.spread import has_function
from factory.grade.math.tree import Node, Number, Product, Symbol

_ROUND: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_HYPERBOLIC: Final = frozenset({"sinh", "cosh", "tanh", "coth", "sech", "csch"})
_MINUS_I: Final[Terms] = {frozenset({("i", 1)}): Fraction(-1)}
_MINUS: Final = Number(Fraction(-1))


class Waves(Normal):
    """Normal forms of one comparison, in which these functions are exponentials."""

    def _function(self, name: str, arguments: tuple[Node, ...]) -> Ratio:
        if name in _ROUND:
            return self._wave(name, Product((Symbol("i"), *arguments)), _MINUS_I)
        if name in _HYPERBOLIC:
            return self._wave(name.removesuffix("h"), arguments[0], constant(1))
        return super()._function(name, arguments)

    def _wave(self, name: str, argument: Node, turn: Terms) -> Ratio:
        """
        Args:
            turn: What the difference of the two exponentials is multiplied with.
        """
        up = self._exponential(Symbol("e"), argument)[0]
        down = self._exponential(Symbol("e"), Product((_MINUS, argument)))[0]
        half = constant(Fraction(1, 2))
        sine = times(times(add(up, down, -1), turn, self.work), half, self.work), UNIT
        cosine = times(add(up, down), half, self.work), UNIT
        match name:
            case "sin":
                return sine
            case "cos":
                return cosine
            case "tan":
                return self._times(sine, self._inverse(cosine))
            case "cot":
                return self._times(cosine, self._inverse(sine))
            case "sec":
                return self._inverse(cosine)
            case _:
                return self._inverse(sine)


def has_waves(node: Node) -> bool:
    """Whether one of these functions stands in a value."""
    return has_function(node, _ROUND | _HYPERBOLIC)
