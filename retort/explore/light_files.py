"""The files of a light table: their names and form, and what is known of the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from schemas.row import Row

FACETS: Final = (
    *("domain", "source", "verdict", "reason", "level", "category", "teacher"),
    *("round", "finish_reason", "grader"),
)
NUMBERS: Final = ("pass_rate", "tokens", "chars")
ROWS_FILE: Final = "rows.arrow"
PROBLEMS_FILE: Final = "problems.arrow"
SPANS_FILE: Final = "spans.arrow"
"""The first row of each problem, and how many it has."""


class TableHead(Row):
    """What the list needs to know of the whole table."""

    rows: int
    problems: int
    values: dict[str, list[str]]
    """Facet -> its values by code; "" where the source does not say."""
    facets: dict[str, list[tuple[str, int]]]
    """Facet -> value and count, most first."""
    ranges: dict[str, tuple[float, float]]


def write_columns(path: Path, columns: Mapping[str, Any]) -> None:
    """Write one of the files, its columns in one piece."""
    table = pa.table(dict(columns))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def mapped(path: Path) -> pa.Table:
    """One of the files, mapped: the kernel holds its pages and lets them go."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
