"""The files that decontaminate writes, each there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.files.dedupe_rows import BadRow
from factory.files.dedupe_scratch import Stored, load
from factory.files.kept_output import BAD_ROWS, KEPT, write_bad_rows, write_kept
from factory.files.table_columns import merged
from factory.overlap.benchmark_index import Hit
from factory.parts import sync_folder

CONTAMINATED: Final = "contaminated.parquet"
MARK: Final = "contamination"
"""Column with the evidence, where rows are marked."""


@dataclass(frozen=True)
class Rows:
    """All rows that are right, in order; those that are not `live` have an id that came before."""

    columns: tuple[str, ...]
    """With the ids and the texts."""
    batches: list[Stored]
    ids: pa.Array
    live: NDArray[np.bool_]
    hits: list[tuple[int, str, Hit]]
    """Row, field and overlap, in order."""
    bad: list[BadRow]


def write_output(out_dir: Path, rows: Rows, *, mark: bool) -> None:
    """Write all files beside the old ones, then put them in their places."""
    names = [KEPT, CONTAMINATED, *([BAD_ROWS] if rows.bad else [])]
    hidden = {name: out_dir / f".{name}.{os.getpid()}" for name in names}
    try:
        _write_kept(hidden[KEPT], rows, mark=mark)
        _write_contaminated(hidden[CONTAMINATED], rows)
        if rows.bad:
            write_bad_rows(hidden[BAD_ROWS], rows.bad)
        for name, file in hidden.items():
            with open(file, "rb+") as written:
                os.fsync(written.fileno())
            file.replace(out_dir / name)
        if not rows.bad:
            (out_dir / BAD_ROWS).unlink(missing_ok=True)
        sync_folder(out_dir)
    finally:
        for file in hidden.values():
            file.unlink(missing_ok=True)


def _write_kept(file: Path, rows: Rows, *, mark: bool) -> None:
    evidence = {row: hit.evidence() for row, _, hit in reversed(rows.hits)}
    kept = rows.live.copy()
    if not mark:
        kept[list(evidence)] = False
    schema = merged([stored.schema for stored in rows.batches], rows.columns)
    if mark:
        fields: list[Any] = [one for one in schema if one.name != MARK]
        schema = pa.schema([*fields, pa.field(MARK, pa.string())])
    write_kept(file, schema, _staying(rows, kept, evidence if mark else None), rows=len(kept))


def _staying(
    rows: Rows, kept: NDArray[np.bool_], marks: Mapping[int, str] | None
) -> Iterator[tuple[int, pa.Table]]:
    """Batch by batch what stays, marked where there are marks."""
    begin = 0
    for stored in rows.batches:
        end = begin + stored.rows
        table = load(stored)
        if marks is not None:
            column = pa.array([marks.get(row) for row in range(begin, end)], pa.string())
            table = table.drop_columns([MARK] if MARK in table.column_names else [])
            table = table.append_column(MARK, column)
        yield stored.rows, table.filter(pa.array(kept[begin:end]))
        begin = end


def _write_contaminated(file: Path, rows: Rows) -> None:
    texts = pa.string()
    table = pa.table(
        {
            "id": rows.ids.take(pa.array([row for row, _, _ in rows.hits], pa.int64())),
            "field": pa.array([name for _, name, _ in rows.hits], texts),
            "benchmark": pa.array([hit.benchmark for _, _, hit in rows.hits], texts),
            "item": pa.array([hit.item for _, _, hit in rows.hits], texts),
            "rule": pa.array([hit.rule for _, _, hit in rows.hits], texts),
            "span": pa.array([hit.span for _, _, hit in rows.hits], texts),
        }
    )
    pq.write_table(table, file, compression="zstd")
