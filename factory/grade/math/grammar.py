"""The grammar of an answer: lists, relations, sums, products, powers and brackets.

Each method reads one thing at the cursor; the precedence is the order of the methods. The depth
and the number of nodes are bounded by `scan`.
"""

from __future__ import annotations

import re
from typing import Final

from factory.grade.math.build import negative, product_of
from factory.grade.math.commands import GREEK, Commands
from factory.grade.math.functions import COMMAND, FUNCTIONS, LETTERS
from factory.grade.math.scan import DIGITS
from factory.grade.math.tree import (
    CONSTANTS,
    Collection,
    Function,
    Group,
    Node,
    Number,
    PlusMinus,
    Power,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Union,
)

_RELATIONS: Final = {
    "=": "=", "==": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=",
    r"\in": "in", "<=": "<=", ">=": ">=", r"\to": "->", r"\Rightarrow": "->",
    r"\rightarrow": "->", r"\mapsto": "->", "->": "->", r"\equiv": "=", "!=": "!=",
    r"\approx": "~", "=<": "<=", "=>": ">=",
}  # fmt: skip
_RELATION: Final = re.compile(
    r" ?(==|=<|=>|<=|>=|!=|->|[=<>]"
    r"|\\(?:le|ge|ne|in|to|Rightarrow|rightarrow|mapsto|equiv|approx)(?![A-Za-z]))"
)
_SET_OPERATORS: Final = {"cup": "cup", "cap": "cap", "setminus": "minus"}
_SET_OPERATOR: Final = re.compile(r" ?\\(cup|cap|setminus)(?![A-Za-z])")
_SEPARATOR: Final = re.compile(r" ?(?:[,;]|\\text ?\{ ?,? ?(and|or) ?\}|\b(and|or)\b) ?")
_FACTORS: Final = frozenset(
    {"angle", "sum", "prod", "int", "frac", "sqrt", "cbrt", "pi", "infty",
      "binom", "lfloor", "lceil", "begin", "vectori",
     "vectorj", "vectork"}
)  # fmt: skip
_UPRIGHT: Final = re.compile(r" ?\\text ?\{ ?([A-Za-z](?: ?\^ ?\d)?) ?\}")
_SIGNS: Final = frozenset({"%", "degree", "dollar", "euro"})
"""Units that are signs: words and factors may follow them."""
_BUILDER: Final = re.compile(
    r" ?([A-Za-z])(?: ?\\in ?\\mathbb ?(?:\{R\}|R))? ?(?:\||:|\\text ?\{ ?such that ?\}) ?"
)


class Parser(Commands):
    """One pass over one text. Methods are named for what they read and leave `at` behind it."""

    def whole(self) -> Node:
        items = self.items()
        self.spaces()
        if self.at != len(self.text):
            raise self.wrong("not read")
        return self.listed(items)

    def listed(self, items: list[Node]) -> Node:
        """One item as it is, several as a bare list; in `x = 1, 2` the name is said once."""
        if len(items) == 1:
            return items[0]
        first = items[0]
        if (
            isinstance(first, Relation)
            and first.operators in (("=",), ("!=",))
            and isinstance(first.sides[0], Symbol)
            and not any(isinstance(item, Relation) for item in items[1:])
        ):
            more = (Relation(first.operators, (first.sides[0], item)) for item in items[1:])
            items = [first, *more]
        return Collection(tuple(items), braces=False, joiner=self.joiner)

    def items(self) -> list[Node]:
        """Items between commas, up to a closing bracket or the end; `joiner` is what joins them."""
        items = [self.relation()]
        joiner = ","
        while found := self.matches(_SEPARATOR):
            joiner = found[1] or found[2] or joiner
            while found := self.matches(_SEPARATOR):
                joiner = found[1] or found[2] or joiner
            items.append(self.relation())
        self.joiner = joiner
        return items

    def relation(self) -> Node:
        depth = self.depth
        self.enter()
        sides = [self.ratio()]
        operators: list[str] = []
        while found := self.matches(_RELATION):
            operators.append(_RELATIONS[found[1]])
            sides.append(self.ratio())
        self.depth = depth
        return Relation(tuple(operators), tuple(sides)) if operators else sides[0]

    def ratio(self) -> Node:
        parts = [self.union()]
        while self.takes(":"):
            parts.append(self.union())
        if len(parts) == 1:
            return parts[0]
        if len(parts) == 2 and self.reading.ratio_is_fraction:
            return Quotient(*parts)
        return Group(":", ":", tuple(parts))

    def union(self) -> Node:
        depth = self.depth
        left = self.sum()
        if self.takes(r"\choose"):
            return Function("binomial", (left, self.sum()))
        if self.takes(r"\over"):
            return Quotient(left, self.sum())
        while True:
            sign = self.matches(_SET_OPERATOR)
            if sign is None:
                self.depth = depth
                return left
            operator, right = _SET_OPERATORS[sign[1]], self.sum()
            if isinstance(left, Union) and left.operator == operator != "minus":
                left = Union(operator, (*left.parts, right))
            else:
                self.enter()
                left = Union(operator, (left, right))

    def sum(self) -> Node:
        depth = self.depth
        self.enter()
        terms: list[Node] = []
        if self.takes(r"\pm"):
            self.count_sign()
            terms.append(PlusMinus(None, self.product()))
        else:
            terms.append(self.signedproduct_of())
        while True:
            if self.takes(r"\pm") or self.takes(r"\mp"):
                self.enter()
                self.count_sign()
                terms = [PlusMinus(_sum(terms), self.product())]
            elif self.takes("+"):
                terms.append(self.signedproduct_of())
            elif self.sees("-") and not self.sees("->"):
                self.at += 1
                terms.append(negative(self.signedproduct_of()))
            else:
                break
        self.depth = depth
        return _sum(terms)

    def signedproduct_of(self) -> Node:
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
                factors = [Quotient(product_of(factors), self.signed_power())]
            elif self.sees(r"\text"):
                if size := self.large_number():
                    factors.append(size)
                    continue
                unit = self.unit_text()
                if unit is None:
                    letter = self.matches(_UPRIGHT)
                    if letter is None:
                        break
                    factors.append(self.inner(letter[1]))
                    continue
                if isinstance(factors[-1], Quantity) and factors[-1].unit not in _SIGNS:
                    raise self.wrong("a unit behind a unit")
                factors = [Quantity(product_of(factors), unit)]
            elif self.starts_factor():
                if isinstance(factors[-1], Quantity) and factors[-1].unit not in _SIGNS:
                    raise self.wrong("a factor behind a unit")
                if size := self.large_number():
                    factors.append(size)
                    continue
                if unit := self.plain_unit(factors[-1]):
                    factors = [Quantity(product_of(factors), unit)]
                    continue
                if self.text[self.at] in "0123456789.{" and isinstance(factors[-1], Number):
                    raise self.wrong("two numbers side by side")
                factors.append(self.power())
            else:
                break
        self.depth = depth
        if not self.reading.letters_commute:
            factors = _in_order(factors)
        return product_of(factors)

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
            following = LETTERS.match(self.text, self.at)
            return not (following and following[0] in ("and", "or"))
        if char == "|":
            return self.bars == 0
        if char == "{":
            return True
        if char != "\\":
            return False
        command = COMMAND.match(self.text, self.at)
        if command is None:
            return False
        name = command[1]
        return name in FUNCTIONS or name in GREEK or name in _FACTORS

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
                double = self.sees("!!")
                self.at += 1 + double
                self.enter()
                node = Function("double factorial" if double else "factorial", (node,))
            elif self.takes("%") or self.takes(r"\dollar") or self.takes(r"\euro"):
                self.enter()
                unit = self.text[self.at - 1]
                node = Quantity(node, {"r": "dollar", "o": "euro"}.get(unit, "%"))
            elif self.takes(r"\degree"):
                self.enter()
                node = Quantity(node, self.scale() or "degree")
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

    def bracketed(self, opening: str) -> Node:
        self.at += 1
        items = self.bracket_items(")", "]")
        if len(items) == 1:
            if (opening == "[" and self.closed == ")") or (opening == "(" and self.closed == "]"):
                raise self.wrong("brackets do not match")
            return items[0]
        return Group(opening, self.closed, tuple(items))

    def absolute(self) -> Node:
        self.bars += 1
        inner = self.sum()
        self.needs("|")
        self.bars -= 1
        return Function("abs", (inner,))

    def builder(self) -> Node | None:
        r"""What follows the bar in `\{x | x > 3\}`; None where no set builder begins here."""
        if not self.matches(_BUILDER):
            return None
        items = self.items()
        joiner = "or" if self.joiner == "or" else "and"
        return items[0] if len(items) == 1 else Collection(tuple(items), False, joiner)

    def inner(self, text: str) -> Node:
        return Parser(text, self.reading, thousands=True).whole()


def _in_order(factors: list[Node]) -> list[Node]:
    """Letters side by side as one, so that they cannot change places."""
    result: list[Node] = []
    for factor in factors:
        last = result[-1] if result else None
        if all(isinstance(one, Symbol) and one.name not in CONSTANTS for one in (last, factor)):
            assert isinstance(last, Symbol) and isinstance(factor, Symbol)
            result[-1] = Symbol(f"{last.name} {factor.name}")
        else:
            result.append(factor)
    return result


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
