"""LaTeX environments: matrices, determinants, systems, functions by cases."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final

from factory.grade.math.matrices import determinant
from factory.grade.math.quantities import Quantities
from factory.grade.math.tree import (
    Collection,
    Group,
    Matrix,
    Node,
    Relation,
)

_MATRICES: Final = frozenset(
    {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "smallmatrix", "array"}
)
_ENVIRONMENT: Final = re.compile(
    r"\{([a-zA-Z]{0,5}matrix|array|cases|aligned|align\*?|gathered|split)\}(?: ?\{[lcr| ]{0,20}\})?"
)
_CONDITION: Final = re.compile(r" ?\\text ?\{ ?,?(?:if|for|when|where|otherwise)? ?\}| ?,")


class Environments(Quantities, ABC):
    """Reads `\\begin{…}`; what stands in the cells is read by `grammar.Parser`."""

    @abstractmethod
    def relation(self) -> Node: ...

    @abstractmethod
    def sum(self) -> Node: ...

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
