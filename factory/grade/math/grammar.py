"""The grammar of an answer: lists, relations, sums, products, powers and brackets.

Each method reads one thing at the cursor; the precedence is the order of the methods. The depth
and the number of nodes are bounded by `scan`.
"""

from __future__ import annotations

import re
from typing import Final

from factory.grade.math.commands import (
    COMMAND,
    FUNCTIONS,
    GREEK,
    LETTERS,
    Commands,
    negative,
    product_of,
)
from factory.grade.math.scan import DIGITS
from factory.grade.math.tree import (
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
    Union,
)

_RELATIONS: Final = {
    "=": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=", r"\in": "in",
    "<=": "<=", ">=": ">=", r"\to": "->", r"\Rightarrow": "->", r"\rightarrow": "->",
    r"\equiv": "=", "!=": "!=",
}  # fmt: skip
_ORDERED_RELATIONS: Final = sorted(_RELATIONS, key=len, reverse=True)
_SET_OPERATORS: Final = {r"\cup": "cup", r"\cap": "cap", r"\setminus": "minus"}
_SEPARATOR: Final = re.compile(
    r" ?(?:[,;]|\\text ?\{ ?(?:and|or|, ?and|, ?or) ?\}|\b(?:and|or)\b) ?"
)


class Parser(Commands):
    """One pass over one text. Methods are named for what they read and leave `at` behind it."""

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
                unit = self.unit_text()
                if unit is None:
                    break
                factors = [Quantity(product_of(factors), unit)]
            elif self.starts_factor():
                if unit := self.plain_unit(factors[-1]):
                    factors = [Quantity(product_of(factors), unit)]
                    continue
                if self.text[self.at] in DIGITS and isinstance(factors[-1], Number):
                    raise self.wrong("two numbers side by side")
                factors.append(self.power())
            else:
                break
        self.depth = depth
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
        return (
            name in FUNCTIONS
            or name in GREEK
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

    def inner(self, text: str) -> Node:
        return Parser(text, thousands=True).whole()


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
