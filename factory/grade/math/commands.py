"""Letters and LaTeX commands: symbols, functions, roots, matrices, arguments in braces."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Final

from factory.grade.math.matrices import determinant
from factory.grade.math.quantities import Quantities
from factory.grade.math.scan import DIGITS
from factory.grade.math.tree import (
    Collection,
    Function,
    Group,
    Matrix,
    Node,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Word,
)
from factory.grade.math.units import unit_of
from factory.grade.math.words import EMPTY

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
GREEK: Final = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta",
     "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "varphi", "chi",
     "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega", "ell"}
)  # fmt: skip
COMMAND: Final = re.compile(r"\\([A-Za-z]+)")
LETTERS: Final = re.compile(r"[A-Za-z]+")
_INVERSE: Final = {
    "sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec",
    "csc": "arccsc", "sinh": "arsinh", "cosh": "arcosh", "tanh": "artanh",
}  # fmt: skip
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
_PLAIN_BASE: Final = re.compile(r"(\d{1,3})(?=\()")
_MATRICES: Final = frozenset(
    {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "smallmatrix", "array"}
)
_BRACES: Final = re.compile(r" ?\{([^{}]*)\}")
_ENVIRONMENT: Final = re.compile(
    r"\{([a-zA-Z]{0,5}matrix|array|cases|aligned|align\*?|gathered|split)\}(?: ?\{[lcr| ]{0,20}\})?"
)
_CONDITION: Final = re.compile(r" ?\\text ?\{ ?,?(?:if|for|when|where|otherwise)? ?\}| ?,")
_CORNERS: Final = re.compile(r" ?\{? ?([A-Z]{1,4}|\d{1,2}) ?\}?")
_BIG_OPERATORS: Final = frozenset({"sum", "prod", "int", "lim"})
_POINTS: Final = re.compile(r" ?\{ ?([A-Z]{1,4}'?) ?\}")
_OTHER_SET: Final = re.compile(r" ?\{?([ZNQC])\}?")


class Commands(Quantities, ABC):
    """Reads letters and commands; what stands in their arguments is read by `parse.Parser`."""

    closed = ""
    """The bracket that ended the last `bracket_items`."""
    joiner = ","
    """What joined the last `items`."""

    @abstractmethod
    def items(self) -> list[Node]: ...

    @abstractmethod
    def relation(self) -> Node: ...

    @abstractmethod
    def builder(self) -> Node | None: ...

    @abstractmethod
    def sum(self) -> Node: ...

    @abstractmethod
    def product(self) -> Node: ...

    @abstractmethod
    def signed_power(self) -> Node: ...

    @abstractmethod
    def power(self) -> Node: ...

    @abstractmethod
    def exponent(self) -> Node: ...

    @abstractmethod
    def inner(self, text: str) -> Node: ...

    @abstractmethod
    def starts_factor(self) -> bool: ...

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

    def environment(self) -> Node:
        found = self.matches(_ENVIRONMENT)
        if found is None:
            raise self.wrong("unknown environment")
        if found[1] not in _MATRICES:
            return self.system(found[1])
        rows: list[tuple[Node, ...]] = []
        self.brackets += 1
        while not self.sees(r"\end"):
            row = [self.relation()]
            while self.takes("&"):
                row.append(self.relation())
            rows.append(tuple(row))
            if not self.takes("\\\\"):
                break
        self.brackets -= 1
        self.needs(rf"\end{{{found[1]}}}")
        if len({len(row) for row in rows}) != 1:
            raise self.wrong("rows of different lengths")
        if found[1] == "vmatrix":
            value = determinant(tuple(rows)) if len(rows) == len(rows[0]) else None
            if value is None:
                raise self.wrong("a determinant of more than four rows, or not square")
            return value
        return Matrix(tuple(rows))

    def system(self, name: str) -> Node:
        """Rows of equations as a list; rows of a value and its condition as a list of pairs."""
        items: list[Node] = []
        while not self.sees(r"\end"):
            row: list[Node] = []
            while not (self.sees("\\\\") or self.sees(r"\end")):
                if not (self.takes("&") or self.matches(_CONDITION)):
                    row.append(self.relation_or_rest(row))
            if row:
                items.append(row[0] if len(row) == 1 else Group("|", "|", tuple(row)))
            if not self.takes("\\\\"):
                break
        self.needs(rf"\end{{{name}}}")
        if not items:
            raise self.wrong("an empty system")
        return items[0] if len(items) == 1 else Collection(tuple(items), False, "and")

    def relation_or_rest(self, row: list[Node]) -> Node:
        """The next cell; `x & = 5` is one relation."""
        if row and (self.sees("=") or self.sees("<") or self.sees(">")):
            left = row.pop()
            sign = self.text[self.at]
            self.at += 1
            self.takes("&")
            return Relation((sign,), (left, self.sum()))
        if self.sees("="):
            raise self.wrong("an equation without a left side")
        return self.relation()


def product_of(factors: list[Node]) -> Node:
    """One factor as it is, several as a product."""
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def rewritten(name: str, arguments: tuple[Node, ...]) -> Node:
    """A function by others where it is one of them turned round, else as it is named."""
    one = Number(Fraction(1))
    if len(arguments) == 1:
        x = arguments[0]
        if name in _RECIPROCAL:
            return Function(_RECIPROCAL[name], (Quotient(one, x),))
        if name in ("sech", "csch", "coth"):
            turned = {"sech": "cosh", "csch": "sinh", "coth": "tanh"}[name]
            return Quotient(one, Function(turned, arguments))
        if name == "arccot":
            right = Quotient(Symbol("pi"), Number(Fraction(2)))
            return Sum((right, negative(Function("arctan", arguments))))
        if name == "cis":  # e^{ix}: the argument must not stand there twice
            return Power(Symbol("e"), Product((Symbol("i"), x)))
    return Function(name, arguments)


_RECIPROCAL: Final = {"arcsec": "arccos", "arccsc": "arcsin"}


def negative(node: Node) -> Node:
    """Minus a node; numbers keep their decimals."""
    if isinstance(node, Number):
        return Number(-node.value, node.last_place, node.figures)
    if isinstance(node, Quantity):
        return Quantity(negative(node.value), node.unit)
    return Product((Number(Fraction(-1)), node))
