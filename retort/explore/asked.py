"""What a request asks for, checked; and which rows that is."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from factory.errors import InputFileError
from retort.explore.light_build import FACETS, NUMBERS
from retort.explore.light_table import LightTable

MOST_ROWS: Final = 200
"""Of a page."""
QUERY_CHARS: Final = 500
_MOST_VALUES: Final = 200
_VALUE_CHARS: Final = 1000
_MOST_OFFSET: Final = 1 << 40
_SORTS: Final = ("id", *NUMBERS)
_ONCE: Final = frozenset(
    {"marked", "q", "sort", "order", "offset", "limit"}
    | {f"{name}_{end}" for name in NUMBERS for end in ("min", "max")}
)
_REMEMBERED: Final = 16
_32: Final = np.finfo(np.float32)


class Refused(InputFileError):  # noqa: N818 - what it says
    """A request that asks for what there cannot be."""


@dataclass(frozen=True)
class Filters:
    """Which rows; equal ones are equal."""

    values: tuple[tuple[str, tuple[str, ...]], ...]
    ranges: tuple[tuple[str, float, float], ...]
    marked: bool
    query: str


@dataclass(frozen=True)
class Asked:
    """One page of a list."""

    filters: Filters
    sort: str
    descending: bool
    offset: int
    limit: int


def asked(parameters: Iterable[tuple[str, str]]) -> Asked:
    """What the parameters of `/api/rows` say.

    Raises:
        Refused: One is unknown, comes twice, or has a value that it cannot have.
    """
    once: dict[str, str] = {}
    values: dict[str, set[str]] = {}
    for name, value in parameters:
        if name in FACETS:
            values.setdefault(name, set()).add(_value(name, value))
        elif name not in _ONCE:
            known = ", ".join([*FACETS, *sorted(_ONCE)])
            raise Refused(f"parameter {name[:80]!r}: expected one of {known}")
        elif name in once:
            raise Refused(f"parameter {name}: expected it once, found it again")
        else:
            once[name] = value
    for name, some in values.items():
        if len(some) > _MOST_VALUES:
            raise Refused(f"parameter {name}: expected at most {_MOST_VALUES} values")
    filters = Filters(
        values=tuple((name, tuple(sorted(values[name]))) for name in sorted(values)),
        ranges=tuple(_ranges(once)),
        marked=_choice(once, "marked", ("0", "1")) == "1",
        query=_query(once.get("q", "")),
    )
    return Asked(
        filters=filters,
        sort=_choice(once, "sort", _SORTS),
        descending=_choice(once, "order", ("asc", "desc")) == "desc",
        offset=_whole(once, "offset", 0, 0, _MOST_OFFSET),
        limit=_whole(once, "limit", 50, 1, MOST_ROWS),
    )


def _value(name: str, value: str) -> str:
    if len(value) > _VALUE_CHARS:
        raise Refused(f"parameter {name}: expected at most {_VALUE_CHARS} characters")
    return value


def _query(text: str) -> str:
    if len(text) > QUERY_CHARS:
        raise Refused(f"parameter q: expected at most {QUERY_CHARS} characters, found {len(text)}")
    return " ".join(text.split())


def _choice(once: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = once.get(name, known[0])
    if value not in known:
        raise Refused(f"parameter {name}: expected one of {', '.join(known)}, found {value[:80]!r}")
    return value


def _whole(once: Mapping[str, str], name: str, otherwise: int, least: int, most: int) -> int:
    text = once.get(name)
    if text is None:
        return otherwise
    if text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most:
        return int(text)
    raise Refused(
        f"parameter {name}: expected a whole number from {least} to {most}, found {text[:80]!r}"
    )


def _ranges(once: Mapping[str, str]) -> Iterable[tuple[str, float, float]]:
    for name in NUMBERS:
        least = _number(once, f"{name}_min", -math.inf)
        most = _number(once, f"{name}_max", math.inf)
        if least > most:
            raise Refused(f"parameter {name}_min: expected at most {name}_max")
        if least > -math.inf or most < math.inf:
            yield name, least, most


def _number(once: Mapping[str, str], name: str, otherwise: float) -> float:
    text = once.get(name, "")
    if not text:
        return otherwise
    try:
        value = float(text) if len(text) <= 40 else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"parameter {name}: expected a number, found {text[:80]!r}")
    return value


# --------------------------------------------------------------------------------------------- rows


class Chosen:
    """Finds the rows of filters; the last few answers are kept, a byte per row each."""

    def __init__(
        self,
        table: LightTable,
        marked: Callable[[], list[str]],
        search: Callable[[str], NDArray[np.int64]],
    ) -> None:
        """`marked` gives the ids of marked candidates, `search` the rows that have a text."""
        self._table, self._marked, self._search = table, marked, search
        self._masks: OrderedDict[Filters, NDArray[np.bool_]] = OrderedDict()
        self._lock = Lock()

    def page(self, asked: Asked) -> tuple[int, NDArray[np.int64]]:
        """How many rows there are, and those of the page in order."""
        mask = self._mask(asked.filters)
        total = int(np.count_nonzero(mask))
        begin, end = asked.offset, asked.offset + asked.limit
        if begin >= total:
            return total, np.empty(0, np.int64)
        if asked.sort == "id":
            rows = np.flatnonzero(mask)
            return total, (rows[::-1] if asked.descending else rows)[begin:end]
        order = self._order(asked.sort, descending=asked.descending)
        return total, order[mask[order]][begin:end].astype(np.int64)

    def _order(self, name: str, *, descending: bool) -> NDArray[np.int32]:
        """Rows without the number come last both ways."""
        order = self._table.column(f"by_{name}")
        if not descending:
            return order
        column = self._table.column(name)
        absent = np.isnan(column) if column.dtype.kind == "f" else column < 0
        there = len(order) - int(np.count_nonzero(absent))
        return np.concatenate([order[:there][::-1], order[there:]])

    def _mask(self, filters: Filters) -> NDArray[np.bool_]:
        if filters.marked:
            return self._made(filters)  # marks change
        with self._lock:
            if (found := self._masks.get(filters)) is not None:
                self._masks.move_to_end(filters)
                return found
        made = self._made(filters)
        with self._lock:
            self._masks[filters] = made
            while len(self._masks) > _REMEMBERED:
                self._masks.popitem(last=False)
        return made

    def _made(self, filters: Filters) -> NDArray[np.bool_]:
        table = self._table
        mask = np.ones(table.head.rows, np.bool_)
        for name, values in filters.values:
            known = table.head.values[name]
            wanted = np.array([value in values for value in known], np.bool_)
            mask &= wanted[table.column(name)]
        for name, least, most in filters.ranges:
            column = table.column(name)
            if column.dtype.kind == "f":
                # Pass rates are stored in 32 bits: a bound is compared as they are.
                low, high = np.clip((least, most), _32.min, _32.max).astype(np.float32)
                mask &= (column >= low) & (column <= high)
            else:
                mask &= (column >= max(0.0, least)) & (column <= most)
        if filters.marked:
            mask &= self._of_rows(table.rows_of(self._marked()))
        if filters.query:
            mask &= self._of_rows(self._search(filters.query))
        return mask

    def _of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        mask = np.zeros(self._table.head.rows, np.bool_)
        mask[rows] = True
        return mask
