"""The texts that are searched: statement and completion of each row, in the order of the files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from retort.explore.light_rows import Kind, Place
from retort.explore.light_table import LightTable
from retort.explore.row_texts import said, text_of

_BATCH_ROWS: Final = 256


def searched_texts(table: LightTable, first: int) -> Iterator[str]:
    """Statement and completion of each row in the order of `by_place`, from one on."""
    order = table.column("by_place")
    places, numbers = table.column("place"), table.column("row")
    problems = table.column("problem")
    at = first
    while at < len(order):
        number = int(places[order[at]])
        place = table.places[number]
        for row, found in _rows(place, int(numbers[order[at]])):
            if at >= len(order) or int(places[order[at]]) != number:
                break
            assert int(numbers[order[at]]) == row, "every row of a file with texts is in the table"
            if place.kind is Kind.DATA:
                yield _of_data(place, found)
            else:
                problem = table.problem(int(problems[order[at]]))
                yield f"{_statement(table, problem)}\n\n{text_of(place, found)}"
            at += 1


def _rows(place: Place, first: int) -> Iterator[tuple[int, dict[str, Any]]]:
    columns = ["text"] if place.kind is Kind.CANDIDATES else ["messages", "problem"]
    with pq.ParquetFile(place.path) as file:
        names = [one for one in columns if one in file.schema_arrow.names]
        begin = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if begin + rows > first:
                at = begin
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=names):
                    if at + batch.num_rows > first:
                        skipped = max(0, first - at)
                        some = batch.slice(skipped).to_pylist()
                        yield from enumerate(some, start=at + skipped)
                    at += batch.num_rows
            begin += rows


def _of_data(place: Place, row: dict[str, Any]) -> str:
    turns = row.get("messages") or []
    asked = [said(one) for one in turns if one.get("role") != "assistant"]
    statement = row.get("problem") or ""
    texts = [statement, *(one for one in asked if one != statement), text_of(place, row)]
    return "\n\n".join(texts)


def _statement(table: LightTable, problem: dict[str, Any]) -> str:
    if problem["place"] < 0:
        return ""
    return _statements(table.places[problem["place"]].path)[problem["row"]].as_py()


@lru_cache(maxsize=8)
def _statements(path: str) -> pa.ChunkedArray:
    return pq.read_table(path, columns=["statement"])["statement"]
