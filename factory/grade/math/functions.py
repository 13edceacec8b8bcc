"""Functions and roots with their arguments, as LaTeX and plain text write them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Final

from factory.grade.math.build import product_of, rewritten
from factory.grade.math.environments import Environments
from factory.grade.math.tree import (
    Function,
    Node,
    Number,
    Power,
    Quotient,
)

FUNCTIONS: Final = frozenset(
    {"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
     "ln", "log", "exp", "min", "max", "gcd", "lcm", "arccot", "arcsec", "arccsc", "sech", "csch",
     "coth", "arsinh", "arcosh", "artanh", "cis", "sgn"}
)  # fmt: skip
RENAMED: Final = {
    "tg": "tan", "ctg": "cot", "cotg": "cot", "cosec": "csc", "arctg": "arctan", "sh": "sinh",
    "arcctg": "arccot", "ch": "cosh", "th": "tanh", "lg": "log", "asin": "arcsin", "sign": "sgn",
    "acos": "arccos", "atan": "arctan", "acot": "arccot", "asec": "arcsec", "acsc": "arccsc",
    "arcsinh": "arsinh", "arccosh": "arcosh", "arctanh": "artanh", "asinh": "arsinh",
    "acosh": "arcosh", "atanh": "artanh",
}  # fmt: skip
"""Other names of functions; the short ones only as commands."""
COMMAND: Final = re.compile(r"\\([A-Za-z]+)")
LETTERS: Final = re.compile(r"[A-Za-z]+")
_INVERSE: Final = {
    "sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec",
    "csc": "arccsc", "sinh": "arsinh", "cosh": "arcosh", "tanh": "artanh",
}  # fmt: skip
_PLAIN_BASE: Final = re.compile(r"(\d{1,3})(?=\()")


class Functions(Environments, ABC):
    """Reads functions, roots, sums and integrals; their arguments are read by `grammar.Parser`."""

    @abstractmethod
    def items(self) -> list[Node]: ...

    @abstractmethod
    def product(self) -> Node: ...

    @abstractmethod
    def signed_power(self) -> Node: ...

    @abstractmethod
    def power(self) -> Node: ...

    @abstractmethod
    def exponent(self) -> Node: ...

    @abstractmethod
    def argument(self) -> Node: ...

    @abstractmethod
    def rest_of_braces(self) -> Node: ...

    @abstractmethod
    def bracket_items(self, *closings: str) -> list[Node]: ...

    @abstractmethod
    def starts_factor(self) -> bool: ...

    def root(self, cube: bool) -> Node:
        index: Node = Number(Fraction(3 if cube else 2))
        if not cube and self.takes("["):
            items = self.bracket_items("]")
            if len(items) != 1:
                raise self.wrong("expected one index")
            index = items[0]
        self.spaces()
        if self.sees("("):
            self.at += 1
            items = self.bracket_items(")")
            if len(items) != 1:
                raise self.wrong("expected one expression")
            return Function("root", (items[0], index))
        plain_digits = self.text[max(0, self.at - 1) : self.at] == " "
        inside = self.number() if plain_digits and self.sees_digits() else self.argument()
        return Function("root", (inside, index))

    def sees_digits(self) -> bool:
        """Whether a number of several digits follows, as `√12` writes it (`\\sqrt12` does not)."""
        return bool(re.compile(r"\d{2}").match(self.text, self.at))

    def function(self, name: str) -> Node:
        depth = self.depth
        self.enter()
        exponent: Node | None = None
        base: Node | None = None
        if name == "log" and self.takes("_"):
            base = self.argument()
        elif name == "log" and (plain := self.matches(_PLAIN_BASE)):
            base = Number(Fraction(int(plain[1])))
        if self.takes("^"):
            exponent = self.exponent()
            if exponent == Number(Fraction(-1)) and name in _INVERSE:
                name, exponent = _INVERSE[name], None
        self.spaces()
        if self.sees("("):
            self.at += 1
            arguments = self.bracket_items(")")
        elif self.takes("{"):
            arguments = [self.rest_of_braces()]
        else:
            arguments = [self.bare_argument()]
        if len(arguments) > 1 and name not in ("min", "max", "gcd", "lcm"):
            raise self.wrong(f"{name} of more than one value")
        node = rewritten(name, tuple(arguments))
        if base is not None:
            node = Quotient(Function("ln", tuple(arguments)), Function("ln", (base,)))
        self.depth = depth
        return node if exponent is None else Power(node, exponent)

    def bare_argument(self) -> Node:
        """`3x` in `\\sin 3x`: factors up to a sign, a bracket or the next function."""
        factors = [self.signed_power()]
        while self.starts_factor():
            command = COMMAND.match(self.text, self.at)
            letters = LETTERS.match(self.text, self.at)
            named = command[1] if command else letters[0] if letters else ""
            if named in FUNCTIONS or self.text[self.at] in "([":
                break
            factors.append(self.power())
        return product_of(factors)

    def big_operator(self, name: str) -> Node:
        """A sum, product, integral or limit with its bounds; it is compared part by part."""
        depth = self.depth
        self.enter()
        parts: list[Node] = []
        for sign in ("_", "^"):
            if self.takes(sign):
                parts.append(self.rest_of_braces() if self.takes("{") else self.argument())
        parts.append(self.product())
        self.depth = depth
        return Function(name, tuple(parts))
