"""Parquet files read a few thousand rows at a time, and what is made of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factory.errors import ManifestMismatch
from retort.explore.light_rows import STATEMENT_CHARS

_REMEDY = "run the recipe again, or name another run"


class Batch:
    """Some rows of a file; `text` columns come as `chars`, their length."""

    def __init__(self, frame: pl.DataFrame, first: int) -> None:
        self.frame, self.first = frame, first


def batches(path: Path, columns: list[str], *, text: str = "text") -> Iterator[Batch]:
    """Some columns of a file, a few thousand rows at a time.

    Raises:
        ManifestMismatch: The file cannot be read, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            lacking = [name for name in columns if name not in file.schema_arrow.names]
            if lacking:
                raise ManifestMismatch(
                    f"{path}: expected the columns {columns}, found no {lacking}: an earlier "
                    f"version made it; {_REMEDY}"
                )
            first = 0
            size = 1024 if text in columns else 65_536
            for batch in file.iter_batches(batch_size=size, columns=columns):
                yield Batch(_frame(batch, text), first)
                first += batch.num_rows
    except (OSError, pa.ArrowInvalid) as error:
        raise ManifestMismatch(f"{path}: cannot be read ({error}); {_REMEDY}") from error


def _frame(batch: pa.RecordBatch, text: str) -> pl.DataFrame:
    columns = {name: batch.column(name) for name in batch.schema.names}
    if text in columns:
        columns["chars"] = pc.call_function("utf8_length", [columns.pop(text)])
    return cast("pl.DataFrame", pl.from_arrow(pa.table(columns)))


def placed(frame: pl.DataFrame, place: int, first: int) -> pl.DataFrame:
    """The rows with where they stand."""
    row = pl.int_range(first, first + pl.len(), dtype=pl.Int32)
    return frame.with_columns(place=pl.lit(place, pl.Int32), row=row)


def in_shape(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Exactly these columns; those that are lacking, and values of another kind, are null."""
    lacking = {name: pl.lit(None, kind) for name, kind in schema.items() if name not in frame}
    return frame.with_columns(**lacking).select(schema.names()).cast(schema, strict=False)


def short(column: str) -> pl.Expr:
    """The beginning of a text, in one line."""
    begun = pl.col(column).str.slice(0, 4 * STATEMENT_CHARS)
    return begun.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, STATEMENT_CHARS)
