"""Equality of equations, assignments and inequalities."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import Final

from factory.grade.math.approximate import real_value
from factory.grade.math.regions import FLIPPED, Regions
from factory.grade.math.renamed import renamed
from factory.grade.math.same import proportional, ratio_of
from factory.grade.math.spread import symbols
from factory.grade.math.tree import (
    CONSTANTS,
    Collection,
    Function,
    Group,
    Matrix,
    Node,
    Number,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Union,
    Word,
)

_MAX_SIDES: Final = 3
_ORDERS: Final = frozenset({"<", ">", "<=", ">="})


class Relations(Regions):
    """Comparison where one side at least is a relation."""

    @abstractmethod
    def equal(self, gold: Node, answer: Node) -> bool: ...

    def relations(self, gold: Node, answer: Node) -> bool:
        """Whether two answers say the same, one of them by a relation."""
        if isinstance(gold, Relation) and isinstance(answer, Relation):
            return self._both(gold, answer)
        relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
        assert isinstance(relation, Relation)
        if set(relation.operators) <= {"=", "~"} and "~" in relation.operators:
            values = [side for side in relation.sides if not names(side)]
            return _near(values) and any(self.equal(side, other) for side in values)
        if isinstance(other, Collection) and len(other.items) > 1 and not other.braces:
            pieces = isinstance(relation.sides[-1], Collection)
            return pieces and self.names_left(relation) and self.equal(relation.sides[-1], other)
        if set(relation.operators) <= {"=", "in", "->"}:
            return self._chain(relation, other)
        return False

    def _chain(self, relation: Relation, other: Node) -> bool:
        """`x = 5`, `f(x) = x^2`, `2 + 3 = 5` against a value: every side that is no name is it."""
        if not self.policy.assignments:
            return False
        if len(relation.sides) == 2 and _is_names(relation.sides[0]):
            return self.equal(relation.sides[1], other)
        first = 0
        while first < len(relation.sides) - 1 and names(relation.sides[first]):
            first += 1
        sides = relation.sides[first:]
        if len(relation.sides) == 2 and first == 0 and _is_single_letter(relation.sides[1]):
            return self.equal(relation.sides[0], other)  # 5 = x
        if relation.operators[0] != "=" and first == 0:
            return False
        if first == 0 and _letters(relation):
            return False  # an equation in letters is no value
        if first > 0:
            return self.equal(sides[-1], other)
        return all(self.equal(side, other) for side in sides)

    def _both(self, gold: Relation, answer: Relation) -> bool:
        if len(gold.sides) == len(answer.sides):
            for turned in (answer, _turned(answer)):
                if gold.operators == turned.operators and all(
                    self.equal(one, other)
                    for one, other in zip(gold.sides, turned.sides, strict=True)
                ):
                    return True
        if "~" in gold.operators or "~" in answer.operators:
            return any(
                self._both(_exactly(one, side), other)
                for one, other in ((gold, answer), (answer, gold))
                if "~" in one.operators and names(one.sides[0])
                for side in one.sides[1:]
                if "~" not in other.operators
            )
        if not {*gold.operators, *answer.operators} <= {"=", "in", "->"}:
            return self._orders(gold, answer)
        left, right = name_of(gold), name_of(answer)
        if left is not None and right is not None:
            if not self._same_name(left, right):
                return self._equations(gold, answer)
            value = renamed(_value_of(answer), left[1], right[1])
            return self.equal(_value_of(gold), value)
        return self._equations(gold, answer)

    def _same_name(self, left: _Name, right: _Name) -> bool:
        """Whether two sides name one thing: `f(x)`, `g(t)`, `y` may, `f(2)` and `f(3)` do not."""
        if left[0] == right[0] and left[1] == right[1]:
            return True
        if _is_function(left[0]) and _is_function(right[0]):
            if left[0][1:] != right[0][1:] or len(left[1]) != len(right[1]):
                return False
            if all(isinstance(argument, Symbol) for argument in (*left[1], *right[1])):
                return True
            return left[0] == right[0] and all(map(self.equal, left[1], right[1]))
        if _is_function(left[0]) or _is_function(right[0]):
            function, letter = (left, right) if _is_function(left[0]) else (right, left)
            plain = all(isinstance(argument, Symbol) for argument in function[1])
            return plain and "'" not in function[0] and letter[0] == "y"
        return False

    def _equations(self, gold: Relation, answer: Relation) -> bool:
        if gold.operators == answer.operators == ("=",) and all(
            is_plain(side) for side in (*gold.sides, *answer.sides)
        ):
            found = proportional(_difference(gold), _difference(answer))
            if found is not None:
                return found
            return self.same(_equation(gold), _equation(answer))
        return False

    def _orders(self, gold: Relation, answer: Relation) -> bool:
        """Inequalities in several letters: equal up to a positive factor."""
        if len(gold.operators) != 1 or len(answer.operators) != 1:
            return False
        if not {*gold.operators, *answer.operators} <= _ORDERS:
            return False
        if not all(is_plain(side) for side in (*gold.sides, *answer.sides)):
            return False
        ratio = ratio_of(_difference(gold), _difference(answer))
        if ratio is None:
            return False
        return answer.operators[0] == (
            gold.operators[0] if ratio > 0 else FLIPPED[gold.operators[0]]
        )

    # ------------------------------------------------------------------------------ assignments

    def tuple_of_values(self, collection: Collection) -> Node | None:
        """`y = 2, x = 1` as the tuple (1, 2), in the order of the letters; else None."""
        if collection.braces or not self.policy.assignments:
            return None
        values: dict[str, Node] = {}
        for item in collection.items:
            name = name_of(item)
            if name is None or not isinstance(item, Relation) or len(item.sides) != 2:
                return None
            values[name[0]] = item.sides[1]
        if len(values) != len(collection.items):
            return None
        return Group("(", ")", tuple(values[name] for name in sorted(values)))

    def assigned(self, gold: Collection, answer: Collection) -> bool | None:
        """Lists of which one names its values (`x = 1, x = 3`) and the other not; else None."""
        for one, other in ((gold, answer), (answer, gold)):
            names_of = [name_of(item) for item in one.items]
            if None in names_of or any(isinstance(item, Relation) for item in other.items):
                continue
            if not self.policy.assignments or len(one.items) != len(other.items):
                return False
            values = tuple(_value_of(item) for item in one.items if isinstance(item, Relation))
            stems = {name[0].partition("_")[0] for name in names_of if name}
            if len(stems) == 1:
                return self.matching(values, other.items)
            return not other.braces and all(
                self.equal(left, right) for left, right in zip(values, other.items, strict=True)
            )
        return None

    @abstractmethod
    def matching(self, left: tuple[Node, ...], right: tuple[Node, ...]) -> bool: ...

    def names_left(self, relation: Relation) -> bool:
        """Whether the left side only names what the right side says."""
        return self.policy.assignments and names(relation.sides[0])


_Name = tuple[str, tuple[Node, ...]]


def _near(values: list[Node]) -> bool:
    """Whether the sides of an approximation agree as far as their decimals are written."""
    found = [(value, real_value(value)) for value in values[:_MAX_SIDES]]
    for one, place in ((value, last_digit(value)) for value in values):
        written = real_value(one)
        if place is None or written is None:
            continue
        for _, other in found:
            if other is not None and abs(other[0] - written[0]) > place + other[1]:
                return False
    return len(values) <= _MAX_SIDES


def last_digit(node: Node) -> float | None:
    """How far a number that is written out may be from what it approximates."""
    if not isinstance(node, Number):
        return None
    if node.last_place:
        return float(node.last_place)
    return 0.5 if node.value.denominator == 1 and abs(node.value) < 10**15 else None


def name_of(node: Node) -> _Name | None:
    """The name on the left of `y = …`, `f(x) = …`, `x \\in …`, with its arguments."""
    if not isinstance(node, Relation) or not set(node.operators) <= {"=", "in", "->"}:
        return None
    left = node.sides[0]
    if node.operators == ("->",) and isinstance(left, Symbol):
        return "f", (left,)
    if isinstance(left, Symbol) and left.name not in CONSTANTS:
        return left.name, ()
    if _is_measure(left):
        return str(left), ()
    if isinstance(left, Function) and _is_function(left.name):
        return left.name, left.arguments
    return None


def names(node: Node) -> bool:
    """Whether a side of an equation is a name for a value: a letter, `f(x)`, `(x, y)`."""
    return (
        (isinstance(node, Symbol) and node.name not in CONSTANTS)
        or (isinstance(node, Function) and _is_function(node.name))
        or _is_names(node)
        or _is_measure(node)
        or _is_derivative(node)
    )


def _is_derivative(node: Node) -> bool:
    """`dy/dx`."""
    match node:
        case Quotient(Product((Symbol("d"), Symbol())), Product((Symbol("d"), Symbol()))):
            return True
        case _:
            return False


def _is_measure(node: Node) -> bool:
    """Whether it names a length, an area, a probability or a ratio of such: `AB`, `P(A)`."""
    match node:
        case Symbol(name):
            return name[0].isupper() or name.startswith(("angle ", "triangle ", "arc "))
        case Product(parts):
            return all(_is_measure(part) for part in parts)
        case Quotient(top, bottom):
            return _is_measure(top) and _is_measure(bottom)
        case Function("abs", (inner,)):
            return _is_measure(inner)
        case _:
            return False


def _is_names(node: Node) -> bool:
    return isinstance(node, Group) and all(_is_single_letter(item) for item in node.items)


def _is_single_letter(node: Node) -> bool:
    return isinstance(node, Symbol) and node.name not in CONSTANTS


def _is_function(name: str) -> bool:
    return name.removesuffix("^-1").rstrip("'") in ("f", "g", "h")


def _letters(relation: Relation) -> bool:
    return any(symbols(side) - CONSTANTS for side in relation.sides)


def _value_of(relation: Node) -> Node:
    assert isinstance(relation, Relation)
    if len(relation.sides) == 2:
        return relation.sides[1]
    return Relation(relation.operators[1:], relation.sides[1:])


def _exactly(relation: Relation, side: Node) -> Relation:
    return Relation(("=",), (relation.sides[0], side))


def _turned(relation: Relation) -> Relation:
    operators = tuple(FLIPPED.get(operator, operator) for operator in reversed(relation.operators))
    return Relation(operators, tuple(reversed(relation.sides)))


def _difference(relation: Relation) -> Node:
    left, right = (side.value if isinstance(side, Quantity) else side for side in relation.sides)
    return Sum((left, Product((Number(Fraction(-1)), right))))


def _equation(relation: Relation) -> Node:
    """An equation as `equation(left - right)`, which is compared up to a constant factor."""
    return Function("equation", (_difference(relation),))


def is_plain(node: Node) -> bool:
    """Whether it is a single value."""
    return not isinstance(node, Group | Matrix | Collection | Union | Relation | Word)
