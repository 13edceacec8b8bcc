"""The rows that a request's filters choose, and their order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retort.explore.asked import Asked, Filters
from retort.explore.light_table import LightTable

_REMEMBERED: Final = 16
"""Answers."""
_32: Final = np.finfo(np.float32)


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
