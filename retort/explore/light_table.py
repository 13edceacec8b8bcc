"""The light table, mapped: columns as numpy arrays whose pages the kernel holds and lets go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retort.explore.light_files import PROBLEMS_FILE, ROWS_FILE, SPANS_FILE, TableHead, mapped
from retort.explore.light_rows import Place


class LightTable:
    """Rows and problems of one index folder."""

    def __init__(self, folder: Path, head: TableHead, places: list[Place]) -> None:
        self.head = head
        self.places = places
        self._rows = mapped(folder / ROWS_FILE)
        self._problems = mapped(folder / PROBLEMS_FILE)
        self._spans = mapped(folder / SPANS_FILE)
        self._columns = {
            name: self._rows.column(name).chunk(0).to_numpy()
            for name in self._rows.column_names
            if name != "candidate_id"
        }

        self._columns["by_place"] = self._columns["by_place"][self._columns["by_place"] >= 0]

    def column(self, name: str) -> NDArray[Any]:
        """A column of numbers or codes."""
        return self._columns[name]

    def value(self, facet: str, row: int) -> str:
        """What a facet says of a row."""
        return self.head.values[facet][self._columns[facet][row]]

    def number(self, name: str, row: int) -> float | int | None:
        """A number of a row; None where there is none."""
        found = self._columns[name][row].item()
        if isinstance(found, float):
            return None if np.isnan(found) else round(found, 6)
        return None if found < 0 else found

    def candidate_id(self, row: int) -> str:
        """The id of a row."""
        return self._rows["candidate_id"][row].as_py()

    def rows_of(self, candidate_ids: list[str]) -> NDArray[np.int64]:
        """The rows of these candidates, in order; ids that are not there are left out."""
        wanted = pa.array(candidate_ids, self._rows.schema.field("candidate_id").type)
        among = pc.call_function("is_in", [self._rows["candidate_id"]], pc.SetLookupOptions(wanted))
        return np.flatnonzero(among.to_numpy())

    def where(self, row: int, prefix: str = "") -> tuple[Place | None, int]:
        """The file that a row was read from, and its number there; `end_` before the names: those
        of the row that says where it ended."""
        number = int(self._columns[f"{prefix}place"][row])
        place = self.places[number] if number >= 0 else None
        return place, int(self._columns[f"{prefix}row"][row])

    def problem(self, number: int) -> dict[str, Any]:
        """`problem_id`, `statement`, `place`, `row`, `first`, `count` of a problem."""
        shown = self._problems.slice(number, 1).to_pylist()[0]
        return shown | self._spans.slice(number, 1).to_pylist()[0]

    def problem_of(self, problem_id: str) -> dict[str, Any] | None:
        """A problem by its id."""
        found = pc.call_function("index", [self._problems["problem_id"]], _index_of(problem_id))
        at: int = found.as_py()
        return None if at < 0 else self.problem(at)


def _index_of(value: str) -> pc.FunctionOptions:
    return pc.IndexOptions(pa.scalar(value, pa.large_string()))
