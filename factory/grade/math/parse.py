"""Text of an answer -> tree, by recursive descent over characters, in bounded time and depth.

Reads LaTeX (after `normalise`), plain text (`3/4`, `x^2`, `sqrt(2)`, `pi`) and what Unicode became
there. Limits: `MAX_CHARS` of `normalise`, `MAX_DEPTH` nested groups, `MAX_NODES` nodes; past them
and for what is not covered it raises `Unreadable`, and nothing else.

Conventions: `2\\frac{1}{2}` and `2 1/2` are mixed numbers; `x^10` is x to the tenth; `1/2x` is
read from left to right; `[a, b)` is a group whose meaning its brackets hold; `\\log` has base 10,
`\\ln` base e; `f(…)`, `g(…)`, `h(…)` are functions, another letter before a bracket multiplies.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

from factory.grade.math.normalise import MAX_CHARS, normalise
from factory.grade.math.tree import (
    Based,
    Collection,
    Function,
    Group,
    Matrix,
    Node,
    Number,
    PlusMinus,
    Power,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Union,
    Word,
)
from factory.grade.math.units import UNITS

DIGITS: Final = frozenset("0123456789")
MAX_DEPTH: Final = 100
MAX_NODES: Final = 3000
MAX_DIGITS: Final = 4000
MAX_SIGNS: Final = 3
"""Plus-minus signs: each doubles the number of values."""

FUNCTIONS: Final = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp min max gcd lcm".split()
)
_INVERSE: Final = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_GREEK: Final = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell".split()
)
_RELATIONS: Final = {
    "=": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=", r"\in": "in",
    "<=": "<=", ">=": ">=", r"\to": "->", r"\Rightarrow": "->", r"\rightarrow": "->",
    r"\equiv": "=", "!=": "!=",
}  # fmt: skip
_SET_OPERATORS: Final = {r"\cup": "cup", r"\cap": "cap", r"\setminus": "minus"}
_DIGITS: Final = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?")
_SPACED: Final = re.compile(r"\d{1,3}(?: \d{3})+(?!\d)")
_MIXED: Final = re.compile(r" ?\\frac ?(?:\{(\d+)\}|(\d)) ?(?:\{(\d+)\}|(\d))| +(\d+) ?/ ?(\d+)")
_SCIENTIFIC: Final = re.compile(r"[eE]([+-]?\d{1,6})(?![\w.])")
_LETTERS: Final = re.compile(r"[A-Za-z]+")
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)")
_SEPARATOR: Final = re.compile(
    r" ?(?:[,;]|\\text ?\{ ?(?:and|or|, ?and|, ?or) ?\}|\b(?:and|or)\b) ?"
)
_UNIT_POWER: Final = re.compile(r" ?\^ ?(?:\{?([-]?\d)\}?)")
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d) ?(?:\\text ?\{)? ?([AaPp])\.? ?[Mm]\.? ?\}?")
_PROSE: Final = re.compile(r"[A-Za-z][A-Za-z .'-]*")
_AND: Final = re.compile(r"\b(?:and|or)\b")
_NAMED: Final = frozenset({"infinity", "inf"})
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z .'\-/]*")


class Unreadable(Exception):  # noqa: N818 - a finding about text, not a failure of ours
    """The text is no mathematics that this parser covers, or goes past its limits."""


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Node, ...]:
    """The readings of an answer, most likely first; a bare `1,234` has two.

    Raises:
        Unreadable: See above; the message names the place.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    normalised = normalise(text)
    if not normalised:
        raise Unreadable("empty")
    if time := _TIME.fullmatch(normalised):
        return (Word(f"{int(time[1])}:{time[2]} {time[3].lower()}m"),)
    if _PROSE.fullmatch(normalised) and re.search("[A-Za-z]{3}", _AND.sub(",", normalised)):
        if normalised.lower() not in _NAMED:
            return (Word(" ".join(normalised.replace(".", " ").casefold().split())),)
    try:
        first = _Parser(normalised, thousands=True).whole()
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        word = as_word(normalised)
        if word is None:
            raise
        return (Word(word),)
    if _THOUSANDS.search(normalised) and not re.search(r",0", normalised):
        try:
            second = _Parser(normalised, thousands=False).whole()
        except (Unreadable, RecursionError):
            return (first,)
        if second != first:
            return (first, second)
    return (first,)


def as_word(normalised: str) -> str | None:
    """The text in lower case without wrappers where it holds words and no other mathematics."""
    flat = re.sub(r"\\text ?\{([^{}]*)\}", r"\1", normalised).replace(r"\degree", "")
    if "\\" in flat or not re.search(r"[A-Za-z]{2,}", flat):
        return None
    return " ".join(re.sub(r"[.,;:!?\"'()]", " ", flat).casefold().split())


class _Parser:
    """One pass over one text. Methods are named for what they read and leave `at` behind it."""

    def __init__(self, text: str, *, thousands: bool) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.nodes = 0
        self.brackets = 0
        self.bars = 0
        self.signs = 0
        self.thousands = thousands

    # ------------------------------------------------------------------ characters

    def spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def sees(self, what: str) -> bool:
        """Whether `what` comes next (after spaces); a command must end there."""
        self.spaces()
        if not self.text.startswith(what, self.at):
            return False
        end = self.at + len(what)
        return not (what[0] == "\\" and what[-1].isalpha() and self.text[end : end + 1].isalpha())

    def takes(self, what: str) -> bool:
        if self.sees(what):
            self.at += len(what)
            return True
        return False

    def needs(self, what: str) -> None:
        if not self.takes(what):
            raise self.wrong(f"expected {what!r}")

    def matches(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def wrong(self, what: str) -> Unreadable:
        return Unreadable(f"{what} at {self.at}: {self.text[self.at : self.at + 20]!r}")

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"nested deeper than {MAX_DEPTH}")

    def count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.wrong(f"more than {MAX_NODES} nodes")

    def count_sign(self) -> None:
        self.signs += 1
        if self.signs > MAX_SIGNS:
            raise self.wrong(f"more than {MAX_SIGNS} plus-minus signs")

    # ------------------------------------------------------------------ lists and relations

    def whole(self) -> Node:
        items = self.items()
        self.spaces()
        if self.at != len(self.text):
            raise self.wrong("not read")
        return items[0] if len(items) == 1 else Collection(tuple(items), braces=False)

    def items(self) -> list[Node]:
        """Items between commas, up to a closing bracket or the end."""
        items = [self.relation()]
        while self.matches(_SEPARATOR):
            while self.matches(_SEPARATOR):
                pass
            items.append(self.relation())
        return items

    def relation(self) -> Node:
        depth = self.depth
        self.enter()
        sides = [self.ratio()]
        operators: list[str] = []
        while True:
            operator = next((sign for sign in _ORDERED_RELATIONS if self.takes(sign)), None)
            if operator is None:
                break
            operators.append(_RELATIONS[operator])
            sides.append(self.ratio())
        self.depth = depth
        return Relation(tuple(operators), tuple(sides)) if operators else sides[0]

    def ratio(self) -> Node:
        parts = [self.union()]
        while self.takes(":"):
            parts.append(self.union())
        if len(parts) == 1:
            return parts[0]
        return Quotient(*parts) if len(parts) == 2 else Group(":", ":", tuple(parts))

    def union(self) -> Node:
        depth = self.depth
        left = self.sum()
        while True:
            sign = next((sign for sign in _SET_OPERATORS if self.takes(sign)), None)
            if sign is None:
                self.depth = depth
                return left
            operator, right = _SET_OPERATORS[sign], self.sum()
            if isinstance(left, Union) and left.operator == operator:
                left = Union(operator, (*left.parts, right))
            else:
                self.enter()
                left = Union(operator, (left, right))

    # ------------------------------------------------------------------ arithmetic

    def sum(self) -> Node:
        depth = self.depth
        self.enter()
        terms: list[Node] = []
        if self.takes(r"\pm"):
            self.count_sign()
            terms.append(PlusMinus(None, self.product()))
        else:
            terms.append(self.signed_product())
        while True:
            if self.takes(r"\pm") or self.takes(r"\mp"):
                self.enter()
                self.count_sign()
                terms = [PlusMinus(_sum(terms), self.product())]
            elif self.takes("+"):
                terms.append(self.signed_product())
            elif self.sees("-") and not self.sees("->"):
                self.at += 1
                terms.append(negative(self.signed_product()))
            else:
                break
        self.depth = depth
        return _sum(terms)

    def signed_product(self) -> Node:
        minus = False
        while True:
            if self.takes("-"):
                minus = not minus
            elif not self.takes("+"):
                break
        product = self.product()
        return negative(product) if minus else product

    def product(self) -> Node:
        depth = self.depth
        factors: list[Node] = [self.power()]
        while True:
            if self.takes(r"\cdot") or self.takes(r"\times") or self.takes("*"):
                factors.append(self.signed_power())
            elif self.takes("/") or self.takes(r"\div"):
                self.enter()
                factors = [Quotient(_product(factors), self.signed_power())]
            elif self.sees(r"\text"):
                unit = self.unit_text()
                if unit is None:
                    break
                factors = [Quantity(_product(factors), unit)]
            elif self.starts_factor():
                if unit := self.plain_unit(factors[-1]):
                    factors = [Quantity(_product(factors), unit)]
                    continue
                if self.text[self.at] in DIGITS and isinstance(factors[-1], Number):
                    raise self.wrong("two numbers side by side")
                factors.append(self.power())
            else:
                break
        self.depth = depth
        return _product(factors)

    def signed_power(self) -> Node:
        minus = False
        while self.takes("-"):
            minus = not minus
        self.takes("+")
        power = self.power()
        return negative(power) if minus else power

    def starts_factor(self) -> bool:
        self.spaces()
        if self.at >= len(self.text):
            return False
        char = self.text[self.at]
        if (char.isascii() and char.isalnum()) or char in "([.":
            following = _LETTERS.match(self.text, self.at)
            return not (following and following[0] in ("and", "or"))
        if char == "|":
            return self.bars == 0
        if char == "{":
            return True
        if char != "\\":
            return False
        command = _COMMAND.match(self.text, self.at)
        if command is None:
            return False
        name = command[1]
        return (
            name in FUNCTIONS
            or name in _GREEK
            or name in ("frac", "sqrt", "cbrt", "pi", "infty", "binom", "lfloor", "lceil", "begin")
        )

    def power(self) -> Node:
        """An atom with what follows it: powers, factorials, percent, degrees."""
        depth = self.depth
        self.enter()
        self.count()
        node = self.atom()
        while True:
            if self.takes("^") or self.takes("**"):
                node = Power(node, self.exponent())
            elif self.sees("!") and not self.sees("!="):
                self.at += 1
                self.enter()
                node = Function("factorial", (node,))
            elif self.takes("%"):
                self.enter()
                node = Quantity(node, "%")
            elif self.takes(r"\degree"):
                self.enter()
                node = Quantity(node, "degree")
            else:
                break
        self.depth = depth
        return node

    def exponent(self) -> Node:
        if self.takes("{"):
            return self.rest_of_braces()
        minus = self.takes("-")
        self.takes("+")
        self.spaces()
        if self.at < len(self.text) and self.text[self.at] in DIGITS:
            base: Node = self.number()
            exponent = Power(base, self.nested_exponent()) if self.takes("^") else base
        else:
            exponent = self.argument() if self.sees("\\") else self.atom_power()
        return negative(exponent) if minus else exponent

    def nested_exponent(self) -> Node:
        self.enter()
        exponent = self.exponent()
        self.depth -= 1
        return exponent

    def atom_power(self) -> Node:
        self.enter()
        atom = self.atom()
        node = Power(atom, self.exponent()) if self.takes("^") else atom
        self.depth -= 1
        return node

    # ------------------------------------------------------------------ atoms

    def atom(self) -> Node:
        self.spaces()
        if self.at >= len(self.text):
            raise self.wrong("ends too early")
        char = self.text[self.at]
        if char in DIGITS or char == ".":
            return self.number()
        if char.isascii() and char.isalpha():
            return self.letters()
        if char in "([":
            return self.bracketed(char)
        if char == "{":
            self.at += 1
            return self.rest_of_braces()
        if char == "|":
            self.at += 1
            return self.absolute()
        if char == "\\":
            return self.command()
        raise self.wrong("unexpected character")

    def number(self) -> Node:
        start = self.at
        found = self.matches(_THOUSANDS) if self.thousands and self.brackets == 0 else None
        found = found or self.matches(_SPACED) or self.matches(_DIGITS)
        if found is None:
            raise self.wrong("expected a number")
        digits = found[0].replace(",", "").replace(" ", "")
        if len(digits) > MAX_DIGITS:
            raise self.wrong(f"more than {MAX_DIGITS} digits")
        end = self.at
        if self.sees("_"):
            return self.in_base(digits)
        self.at = end
        if "." in digits:
            return self.decimal(digits)
        if scientific := self.matches(_SCIENTIFIC):
            return Product(
                (Number(Fraction(digits)), Power(Number(Fraction(10)), _integer(scientific[1])))
            )
        mixed = _MIXED.match(self.text, self.at)
        if mixed and not self.text[max(0, start - 1) : start].strip().strip("(-+,=$ "):
            top, bottom = [group for group in mixed.groups() if group is not None]
            if len(top) + len(bottom) < MAX_DIGITS and 0 < int(top) < int(bottom):
                self.at = mixed.end()
                return Number(Fraction(digits) + Fraction(int(top), int(bottom)))
        return Number(Fraction(digits))

    def decimal(self, digits: str) -> Node:
        whole, _, fraction = digits.partition(".")
        repeated = re.compile(r" ?\\overline ?\{(\d{1,50})\}").match(self.text, self.at)
        if repeated:
            self.at = repeated.end()
            block = Fraction(int(repeated[1]), 10 ** len(repeated[1]) - 1)
            return Number(Fraction(digits.rstrip(".") or "0") + block / 10 ** len(fraction))
        value = Fraction(f"{whole or '0'}.{fraction or '0'}")
        figures = len((whole + fraction).lstrip("0"))
        last_place = Fraction(1, 10 ** len(fraction)) if fraction else None
        node: Node = Number(value, last_place, figures)
        if scientific := self.matches(_SCIENTIFIC):
            node = Product((Number(value), Power(Number(Fraction(10)), _integer(scientific[1]))))
        return node

    def in_base(self, digits: str) -> Node:
        self.needs("_")
        base = re.compile(r" ?(?:\{ ?(\d{1,2}) ?\}|(\d{1,2}))").match(self.text, self.at)
        if base is None or not 2 <= int(base[1] or base[2]) <= 36:
            raise self.wrong("expected a base from 2 to 36")
        self.at = base.end()
        return Based(digits, int(base[1] or base[2]))

    def letters(self) -> Node:
        found = self.matches(_LETTERS)
        assert found is not None
        run = found[0]
        if run in ("pi", "Pi"):
            return Symbol("pi")
        if run.lower() in ("infinity", "inf", "oo"):
            return Symbol("oo")
        if run in ("sqrt", "cbrt"):
            return self.root("cbrt" in run)
        if run in FUNCTIONS or run in ("abs", "asin", "acos", "atan"):
            return self.function(
                {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}.get(run, run)
            )
        if len(run) > 1 and run[-1] in "0123456789":
            raise self.wrong("word")
        if len(run) > 3:
            self.at = found.start()
            raise self.wrong("a word")
        if len(run) > 1:
            self.at = found.start() + 1
            return self.subscripted(run[0])
        return self.subscripted(run)

    def subscripted(self, name: str) -> Node:
        if self.takes("_"):
            self.spaces()
            found = re.compile(r"\{([A-Za-z0-9 ,]{1,20})\}|([A-Za-z0-9])").match(self.text, self.at)
            if found is None:
                raise self.wrong("expected a subscript")
            self.at = found.end()
            return Symbol(f"{name}_{(found[1] or found[2]).replace(' ', '')}")
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

    def bracketed(self, opening: str) -> Node:
        self.at += 1
        items = self.bracket_items(")", "]")
        if len(items) == 1:
            if opening == "[" and self.closed == ")" or opening == "(" and self.closed == "]":
                raise self.wrong("brackets do not match")
            return items[0]
        return Group(opening, self.closed, tuple(items))

    def rest_of_braces(self) -> Node:
        depth = self.depth
        self.enter()
        items = self.items()
        self.needs("}")
        self.depth = depth
        if len(items) > 1:
            return Collection(tuple(items), braces=True)
        return items[0]

    def absolute(self) -> Node:
        self.bars += 1
        inner = self.sum()
        self.needs("|")
        self.bars -= 1
        return Function("abs", (inner,))

    # ------------------------------------------------------------------ commands

    def command(self) -> Node:
        if self.takes(r"\{"):
            if self.takes(r"\}"):
                return Word("no solution")
            return Collection(tuple(self.bracket_items(r"\}")), braces=True)
        found = self.matches(_COMMAND)
        if found is None:
            raise self.wrong("unknown command")
        name = found[1]
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
            return Word("no solution")
        if name in _GREEK:
            return self.subscripted(name)
        if name in FUNCTIONS:
            return self.function(name)
        if name in ("dollar", "pounds", "euro"):
            return Quantity(self.product(), name)
        if name == "begin":
            return self.environment()
        if name in ("lfloor", "lceil", "langle"):
            closing = {"lfloor": r"\rfloor", "lceil": r"\rceil", "langle": r"\rangle"}[name]
            items = self.bracket_items(closing)
            if name == "langle":
                return Group("(", ")", tuple(items))
            if len(items) != 1:
                raise self.wrong("expected one expression")
            return Function({"lfloor": "floor", "lceil": "ceiling"}[name], (items[0],))
        if name == "mathbb":
            if self.takes("{R}") or self.takes("R"):
                return Group("(", ")", (negative(Symbol("oo")), Symbol("oo")))
            raise self.wrong("unknown set")
        if name == "overline":
            raise self.wrong("a line over letters")
        if name == "text":
            return self.text_atom()
        self.at = found.start()
        raise self.wrong("unknown command")

    def text_atom(self) -> Node:
        """Words where a value is expected: mathematics in disguise, or no mathematics."""
        found = re.compile(r" ?\{([^{}]*)\}").match(self.text, self.at)
        if found is None:
            raise self.wrong("expected words")
        content = found[1].strip()
        if not re.fullmatch(r"[-+]?[\d.,]*\d|\(?[A-Za-z]\)?|i|e", content):
            raise self.wrong("words")
        self.at = found.end()
        content = content.strip("()")
        return Symbol(content) if content.isalpha() else _Parser(content, thousands=True).whole()

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
        node: Node = Function(name, tuple(arguments))
        if base is not None:
            node = Quotient(Function("ln", tuple(arguments)), Function("ln", (base,)))
        self.depth = depth
        return node if exponent is None else Power(node, exponent)

    def bare_argument(self) -> Node:
        """`3x` in `\\sin 3x`: factors up to a sign, a bracket or the next function."""
        factors = [self.signed_power()]
        while self.starts_factor():
            command = _COMMAND.match(self.text, self.at)
            letters = _LETTERS.match(self.text, self.at)
            named = command[1] if command else letters[0] if letters else ""
            if named in FUNCTIONS or self.text[self.at] in "([":
                break
            factors.append(self.power())
        return _product(factors)

    def environment(self) -> Node:
        found = re.compile(r"\{([a-z]{0,2}matrix|array)\}(?: ?\{[lcr| ]{0,20}\})?").match(
            self.text, self.at
        )
        if found is None or found[1] == "vmatrix":
            raise self.wrong("unknown environment")
        self.at = found.end()
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
        return Matrix(tuple(rows))

    # ------------------------------------------------------------------ units

    def unit_text(self) -> str | None:
        """The words in `\\text{…}` behind a value, with a power; None for `and`, `or`."""
        found = re.compile(r" ?\\text ?\{([^{}]*)\}").match(self.text, self.at)
        if found is None:
            raise self.wrong("expected words")
        words = " ".join(found[1].casefold().strip(" .,").split())
        if words in ("and", "or") or words.startswith(("and ", "or ")):
            return None
        self.at = found.end()
        power = self.matches(_UNIT_POWER)
        return f"{words}^{power[1]}" if power else words

    def plain_unit(self, before: Node) -> str | None:
        """Plain words behind a number: a known unit, or words of four letters and more."""
        if not isinstance(before, Number | Quotient | Quantity | Symbol | Power | Function):
            return None
        found = _WORDS.match(self.text, self.at)
        if found is None:
            return None
        words = " ".join(found[0].casefold().split()).strip(" .")
        first = words.split()[0] if words else ""
        known = len(first) >= 2 and (first in UNITS or words in UNITS)
        long = len(first) >= 4 and not any(word in FUNCTIONS for word in words.split())
        if not (known or (long and first not in ("sqrt", "cbrt", "infinity"))):
            return None
        self.at = found.end()
        power = self.matches(_UNIT_POWER)
        return f"{words}^{power[1]}" if power else words


_ORDERED_RELATIONS: Final = sorted(_RELATIONS, key=len, reverse=True)


def negative(node: Node) -> Node:
    """Minus a node; numbers keep their decimals."""
    if isinstance(node, Number):
        return Number(-node.value, node.last_place, node.figures)
    if isinstance(node, Quantity):
        return Quantity(negative(node.value), node.unit)
    if isinstance(node, Based):
        return Product((Number(Fraction(-1)), node))
    return Product((Number(Fraction(-1)), node))


def _sum(terms: list[Node]) -> Node:
    if len(terms) == 1:
        return terms[0]
    units = {term.unit for term in terms if isinstance(term, Quantity)}
    bare = [not isinstance(term, Quantity) for term in terms]
    if len(units) == 1 and (
        not any(bare) or (all(bare[:-1]) and units.isdisjoint({"%", "degree"}))
    ):
        values = tuple(term.value if isinstance(term, Quantity) else term for term in terms)
        return Quantity(Sum(values), units.pop())
    return Sum(tuple(terms))


def _product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _integer(text: str) -> Number:
    return Number(Fraction(int(text)))
