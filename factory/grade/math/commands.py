"""Letters and LaTeX commands: symbols, functions, roots, matrices, arguments in braces."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Final

from factory.grade.math.build import negative
from factory.grade.math.functions import COMMAND, FUNCTIONS, LETTERS, RENAMED, Functions
from factory.grade.math.scan import DIGITS
from factory.grade.math.tree import (
    Collection,
    Function,
    Group,
    Node,
    Number,
    Quantity,
    Quotient,
    Symbol,
    Word,
)
from factory.grade.math.units import unit_of
from factory.grade.math.words import EMPTY

GREEK: Final = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta",
     "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "varphi", "chi",
     "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega", "ell"}
)  # fmt: skip
_PLAIN_NAMES: Final = re.compile(
    r"(?:arc|ar|a)?(?:sin|cos|tan|cot|sec|csc)h?|arctg|ln|lg|log|exp|abs|gcd|lcm|min|max|sgn|cis"
    r"|sqrt|cbrt|pi|floor|ceil"
)
"""Functions and constants as plain text names them."""
_CURRENCIES: Final = {
    "dollar": "dollar", "pounds": "sterling", "euro": "euro", "yen": "yen", "rupee": "rupee",
}  # fmt: skip
_SETS: Final = {"Z": "integers", "N": "natural numbers", "Q": "rational numbers",
                "C": "complex numbers"}  # fmt: skip
_SUBSCRIPT: Final = re.compile(
    r"\{ ?\\text ?\{([A-Za-z0-9 ,]{1,20})\} ?\}|\{([A-Za-z0-9 ,+-]{1,20})\}|([A-Za-z0-9])"
    r"|\\text ?\{([A-Za-z0-9 ,]{1,20})\}"
)
_BRACES: Final = re.compile(r" ?\{([^{}]*)\}")
_CORNERS: Final = re.compile(r" ?\{? ?([A-Z]{1,4}|\d{1,2}) ?\}?")
_BIG_OPERATORS: Final = frozenset({"sum", "prod", "int", "lim"})
_POINTS: Final = re.compile(r" ?\{ ?([A-Z]{1,4}'?) ?\}")
_OTHER_SET: Final = re.compile(r" ?\{?([ZNQC])\}?")


class Commands(Functions, ABC):
    """Reads letters and commands; what stands in their arguments is read by `parse.Parser`."""

    closed = ""
    """The bracket that ended the last `bracket_items`."""
    joiner = ","
    """What joined the last `items`."""

    @abstractmethod
    def builder(self) -> Node | None: ...

    @abstractmethod
    def inner(self, text: str) -> Node: ...

    def letters(self) -> Node:
        found = self.matches(LETTERS)
        assert found is not None
        run = found[0]
        if run in ("pi", "Pi"):
            return Symbol("pi")
        if run.lower() in ("infinity", "inf", "oo"):
            return Symbol("oo")
        known = _PLAIN_NAMES.match(run)
        if known and (known[0] == run or len(run) - len(known[0]) <= 2):
            self.at = found.start() + len(known[0])
            return self.named(known[0])
        if 1 < len(run) <= 3 or _PLAIN_NAMES.match(run, 1) or _PLAIN_NAMES.match(run, 2):
            self.at = found.start() + 1
            return self.subscripted(run[0])
        if len(run) > 3:
            self.at = found.start()
            raise self.wrong("a word")
        return self.subscripted(run)

    def named(self, name: str) -> Node:
        """A function or constant that plain text names."""
        if name == "pi":
            return Symbol("pi")
        if name in ("sqrt", "cbrt"):
            return self.root(name == "cbrt")
        name = {"floor": "floor", "ceil": "ceiling"}.get(name, RENAMED.get(name, name))
        return self.function(name)

    def subscripted(self, name: str) -> Node:
        if self.takes("_"):
            self.spaces()
            found = self.matches(_SUBSCRIPT)
            if found is None:
                raise self.wrong("expected a subscript")
            inside = next(group for group in found.groups() if group is not None)
            return Symbol(f"{name}_{inside.replace(' ', '')}")
        prime = ""
        while self.text[self.at : self.at + 1] == "'" and len(prime) < 3:
            self.at += 1
            prime += "'"
        if name in ("f", "g", "h") and (self.sees("(") or self.sees("^{-1}")):
            if self.takes("^{-1}"):
                prime += "^-1"
            if self.sees("("):
                self.at += 1
                return Function(name + prime, tuple(self.bracket_items(")")))
        return Symbol(name + prime)

    def bracket_items(self, *closings: str) -> list[Node]:
        self.brackets += 1
        bars, self.bars = self.bars, 0
        items = self.items()
        self.bars = bars
        self.brackets -= 1
        for closing in closings:
            if self.takes(closing):
                self.closed = closing
                return items
        raise self.wrong(f"expected one of {closings}")

    def rest_of_braces(self) -> Node:
        depth = self.depth
        self.enter()
        if (built := self.builder()) is not None:
            self.needs("}")
            return built
        items = self.items()
        self.needs("}")
        self.depth = depth
        if len(items) > 1:
            return Collection(tuple(items), braces=True)
        return items[0]

    def command(self) -> Node:
        if self.takes(r"\{"):
            if self.takes(r"\}"):
                return Word(EMPTY)
            if (built := self.builder()) is not None:
                self.needs(r"\}")
                return built
            return Collection(tuple(self.bracket_items(r"\}")), braces=True)
        found = self.matches(COMMAND)
        if found is None:
            raise self.wrong("unknown command")
        name = RENAMED.get(found[1], found[1])
        if name == "frac":
            return Quotient(self.argument(), self.argument())
        if name in ("sqrt", "cbrt"):
            return self.root(name == "cbrt")
        if name == "binom":
            return Function("binomial", (self.argument(), self.argument()))
        if name == "pi":
            return Symbol("pi")
        if name == "infty":
            return Symbol("oo")
        if name == "emptyset":
            return Word(EMPTY)
        if name in GREEK:
            return self.subscripted(name)
        if name in FUNCTIONS:
            return self.function(name)
        if name in _CURRENCIES:
            return self.money(_CURRENCIES[name])
        if name.startswith("vector"):
            return Symbol(f"vector {name[-1]}")
        if name == "begin":
            return self.environment()
        if name in ("lfloor", "lceil", "langle"):
            closing = {"lfloor": r"\rfloor", "lceil": r"\rceil", "langle": r"\rangle"}[name]
            items = self.bracket_items(closing)
            if name == "langle":
                return Group("<", ">", tuple(items))
            if len(items) != 1:
                raise self.wrong("expected one expression")
            return Function({"lfloor": "floor", "lceil": "ceiling"}[name], (items[0],))
        if name == "mathbb":
            if self.takes("{R}") or self.takes("R"):
                return Group("(", ")", (negative(Symbol("oo")), Symbol("oo")))
            if other := self.matches(_OTHER_SET):
                return Word(_SETS[other[1]])
            raise self.wrong("unknown set")
        if name == "overline":
            if letters := self.matches(_POINTS):
                return Word(f"line {letters[1].lower()}")
            raise self.wrong("a line over what is no name")
        if name in ("angle", "measuredangle", "triangle", "arc"):
            if letters := self.matches(_CORNERS):
                return Symbol(f"{name} {letters[1]}")
            raise self.wrong(f"a {name} without its letters")
        if name in _BIG_OPERATORS:
            return self.big_operator(name)
        if name == "text":
            return self.text_atom()
        self.at = found.start()
        raise self.wrong("unknown command")

    def text_atom(self) -> Node:
        """Words where a value is expected: mathematics in disguise, or no mathematics."""
        found = _BRACES.match(self.text, self.at)
        if found is None:
            raise self.wrong("expected words")
        content = found[1].strip()
        if not re.fullmatch(r"[-+]?[\d.,]*\d|\(?[A-Za-z]\)?|i|e", content):
            raise self.wrong("words")
        self.at = found.end()
        content = content.strip("()")
        return Symbol(content) if content.isalpha() else self.inner(content)

    def money(self, unit: str) -> Node:
        """What follows a sign of money; a unit behind it (`per hour`) makes a rate of it."""
        value = self.product()
        if isinstance(value, Quantity):
            words = value.unit
            if words == "%" or words.startswith(("per ", "/")):
                return Quantity(value.value, f"{unit} {words}")
            known = unit_of(words)
            return Quantity(value.value, unit if known is not None else f"{unit} {words}")
        return Quantity(value, unit)

    def argument(self) -> Node:
        """One argument of a command: braces, a command, or a single character."""
        depth = self.depth
        self.spaces()
        self.enter()
        if self.at >= len(self.text):
            raise self.wrong("ends too early")
        char = self.text[self.at]
        if char == "{":
            self.at += 1
            node = self.rest_of_braces()
        elif char in DIGITS:
            self.at += 1
            node = Number(Fraction(char))
        elif char.isascii() and char.isalpha():
            self.at += 1
            node = Symbol(char)
        elif char == "\\":
            node = self.command()
        else:
            raise self.wrong("expected an argument")
        self.depth = depth
        return node
