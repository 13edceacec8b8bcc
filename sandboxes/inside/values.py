"""Plain values as tagged JSON: exact types and shared containers cross, code never does.

A value is None, a bool, a number, a string, or a list whose first item is a tag:

    ["i", hex]            an int of more than 64 bits
    ["t", [..]]           tuple                   ["z", [..]]  frozenset
    ["l", node, [..]]     list                    ["s", node, [..]]  set
    ["d", node, kind, [[key, value], ..]]         dict and its kin of `collections`
    ["q", node, [..]]     deque                   ["y", node, text]  bytearray
    ["b", text]           bytes (Latin-1)         ["c", real, imaginary]  complex
    ["r", a, b, step]     range                   ["x", kind, text]  Decimal, Fraction, date, ..
    ["k", name]           a built-in type: int, str, ..
    ["n", node]           the container numbered `node`, again
    ["o", number, kind]   an object that stays where it is: only its number crosses

Containers that can change are numbered, so that sharing, cycles and changes in place cross too.
Only exact built-in types have a value here: an instance of a subclass (an `int` that is equal to
everything) is an object with a number. Decoding never runs code of the other side.
"""

from __future__ import annotations

import builtins
import importlib
from collections import Counter, OrderedDict, defaultdict, deque

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Encoded = Any

_MAPPINGS: dict[type, str] = {
    dict: "dict",
    Counter: "Counter",
    OrderedDict: "OrderedDict",
    defaultdict: "defaultdict",
}
_NEW_MAPPING: dict[str, Callable[[], Any]] = {
    "dict": dict,
    "Counter": Counter,
    "OrderedDict": OrderedDict,
    "defaultdict": defaultdict,
}
_SEQUENCES: dict[type, str] = {list: "l", set: "s", deque: "q"}
# Types that are written as text, by module and name: most runs import none of them.
_TO_TEXT: dict[tuple[str, str], Callable[[Any], str]] = {
    ("decimal", "Decimal"): str,
    ("fractions", "Fraction"): lambda value: f"{value.numerator:x}/{value.denominator:x}",
    ("datetime", "date"): lambda value: value.isoformat(),
    ("datetime", "time"): lambda value: value.isoformat(),
    ("datetime", "datetime"): lambda value: value.isoformat(),
    ("datetime", "timedelta"): lambda value: f"{value.days} {value.seconds} {value.microseconds}",
}
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "Decimal": lambda text: _library("decimal").Decimal(text),
    "Fraction": lambda text: _library("fractions").Fraction(
        *(int(part, 16) for part in text.split("/"))
    ),
    "date": lambda text: _library("datetime").date.fromisoformat(text),
    "time": lambda text: _library("datetime").time.fromisoformat(text),
    "datetime": lambda text: _library("datetime").datetime.fromisoformat(text),
    "timedelta": lambda text: _library("datetime").timedelta(*map(int, text.split())),
}


def _library(name: str) -> Any:
    """A module whose types may cross; what a program calls so is another matter."""
    return importlib.import_module(name)


_PLAIN = (type(None), bool, str, float)


_NO_VALUE = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, MemoryError)


class Malformed(ValueError):  # noqa: N818 - says what the data is
    """The other side sent something that is no encoded value."""


class Codec:
    """One side of a conversation: numbers its containers and objects, and reads the other's.

    Nodes are numbered by the side that first sends them; the two sides count in steps of two
    (`first` 0 or 1), so that no number is given twice.
    """

    def __init__(
        self,
        first: int,
        number_of: Callable[[Any], tuple[int, str]],
        object_of: Callable[[int, str], Any],
    ) -> None:
        """`number_of` names an object without a value; `object_of` is its inverse."""
        self._next = first
        self._number_of = number_of
        self._object_of = object_of
        self.nodes: dict[int, Any] = {}
        self._node_of: dict[int, int] = {}

    def forget_nodes(self) -> None:
        """End a call: containers are shared within one call only."""
        self.nodes.clear()
        self._node_of.clear()

    def encode(self, value: Any) -> Encoded:
        """The tagged form of any value; whatever has none crosses as a numbered object."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else ["i", hex(value)]
        if kind is tuple:
            return ["t", [self.encode(item) for item in value]]
        if kind is frozenset:
            return ["z", [self.encode(item) for item in value]]
        if kind in _SEQUENCES or kind in _MAPPINGS or kind is bytearray:
            node = self._node_of.get(id(value))
            if node is not None:
                return ["n", node]
            return self._encode_node(value)
        return self._encode_rest(value, kind)

    def _encode_node(self, value: Any) -> Encoded:
        node = self._remember(self._next, value)
        self._next += 2
        return self.encode_contents(node)

    def encode_contents(self, node: int) -> Encoded:
        """The numbered container with what it holds now."""
        value = self.nodes[node]
        kind: type = type(value)
        if kind in _MAPPINGS:
            pairs = [[self.encode(key), self.encode(item)] for key, item in value.items()]
            return ["d", node, _MAPPINGS[kind], pairs]
        if kind is bytearray:
            return ["y", node, value.decode("latin-1")]
        return [_SEQUENCES[kind], node, [self.encode(item) for item in value]]

    def _encode_rest(self, value: Any, kind: type) -> Encoded:
        if kind is bytes:
            return ["b", value.decode("latin-1")]
        if kind is complex:
            return ["c", value.real, value.imag]
        if kind is range:
            return ["r", value.start, value.stop, value.step]
        if kind is type and getattr(builtins, value.__name__, None) is value:
            return ["k", value.__name__]
        text_of = _TO_TEXT.get((kind.__module__, kind.__name__))
        if text_of is not None and kind is getattr(_library(kind.__module__), kind.__name__, None):
            return ["x", kind.__name__, text_of(value)]
        if kind.__module__ == "numpy" and hasattr(kind, "item") and hasattr(kind, "dtype"):
            scalar = value.item() if value.ndim == 0 else value
            if type(scalar) in (bool, int, float, complex, str, bytes):
                return self.encode(scalar)
        return ["o", *self._number_of(value)]

    def _remember(self, node: int, value: Any) -> int:
        self.nodes[node] = value
        self._node_of[id(value)] = node
        return node

    def decode(self, data: Encoded) -> Any:
        """The value that the other side encoded.

        Raises:
            Malformed: It is no encoded value.
        """
        if type(data) in _PLAIN or type(data) is int:
            return data
        try:
            return self._decode_tagged(data)
        except _NO_VALUE as error:
            raise Malformed(f"no encoded value: {error}") from error

    def _decode_tagged(self, data: Encoded) -> Any:
        tag, *rest = data
        if tag == "t":
            return tuple([self.decode(item) for item in rest[0]])
        if tag in ("l", "s", "d", "q", "y"):
            return self._decode_node(tag, rest)
        if tag == "n":
            return self.nodes[rest[0]]
        if tag == "o":
            return self._object_of(int(rest[0]), str(rest[1]))
        if tag == "i":
            return int(rest[0], 16)
        if tag == "z":
            return frozenset([self.decode(item) for item in rest[0]])
        if tag == "b":
            return rest[0].encode("latin-1")
        if tag == "c":
            return complex(rest[0], rest[1])
        if tag == "r":
            return range(rest[0], rest[1], rest[2])
        if tag == "k":
            named = getattr(builtins, rest[0])
            if type(named) is type:
                return named
        if tag == "x":
            return _FROM_TEXT[rest[0]](rest[1])
        raise Malformed(f"unknown tag {tag!r}")

    def _decode_node(self, tag: str, rest: list[Any]) -> Any:
        node = rest[0]
        if type(node) is not int:
            raise Malformed("a node has a number")
        value = self.nodes.get(node)
        if value is None:
            new: Callable[[], Any] = _NEW_MAPPING[rest[1]] if tag == "d" else _NEW_NODE[tag]
            value = new()
            self._remember(node, value)
        elif _tag_of(value) != tag:
            raise Malformed("a container has another type than before")
        self._fill(value, tag, rest)
        return value

    def _fill(self, value: Any, tag: str, rest: list[Any]) -> None:
        """Put the sent contents into the container, in place."""
        if tag == "d":
            pairs = [(self.decode(key), self.decode(item)) for key, item in rest[2]]
            value.clear()
            # Never `Counter.update`, which adds; an `OrderedDict` keeps an order of its own.
            update = OrderedDict.update if type(value) is OrderedDict else dict.update
            update(value, pairs)
        elif tag == "y":
            value[:] = rest[1].encode("latin-1")
        else:
            items = [self.decode(item) for item in rest[1]]
            value.clear()
            (value.update if tag == "s" else value.extend)(items)


_NEW_NODE: dict[str, Callable[[], Any]] = {"l": list, "s": set, "q": deque, "y": bytearray}


def _tag_of(value: Any) -> str:
    kind: type = type(value)
    return "d" if kind in _MAPPINGS else "y" if kind is bytearray else _SEQUENCES[kind]
