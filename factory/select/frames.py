"""Small frames as parts: what was dropped, and pass rates; a fixed number of rows per part."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from factory.digest import digest
from factory.errors import SchemaMismatch
from factory.parts import kept_part, part_name, write_part
from schemas.manifest import PartFile

DROPPED: Final = pa.schema(
    [
        pa.field("candidate_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.large_string(), nullable=False),
    ]
)


def write_frame(
    folder: Path, kind: str, rows: pl.DataFrame, schema: pa.Schema, *, key: str, rows_per_part: int
) -> list[PartFile]:
    """The parts of one kind: at least one, empty where there are no rows; valid ones are kept.

    Raises:
        SchemaMismatch: The frame does not fit the schema.
    """
    parts: list[PartFile] = []
    for number, start in enumerate(range(0, max(rows.height, 1), rows_per_part)):
        some = rows.slice(start, rows_per_part).select(schema.names)
        name = part_name(kind, number)
        made_from = digest([key, name, frame_digest(some)])
        part = kept_part(folder, name, made_from=made_from)
        if part is None:
            part = write_part(folder, name, as_schema(some, schema), made_from=made_from)
        parts.append(part)
    return parts


def frame_digest(rows: pl.DataFrame) -> str:
    """Digest of a frame's names and values."""
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()


def as_schema(rows: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame as a table of exactly this schema.

    Raises:
        SchemaMismatch: A column lacks a value that must be there.
    """
    table = rows.select(schema.names).to_arrow()
    columns: list[pa.ChunkedArray] = []
    for field in schema:
        column = table[field.name].cast(field.type)
        if column.null_count and not field.nullable:
            raise SchemaMismatch(
                f"column {field.name}: expected a value in every row, found {column.null_count} "
                f"nulls; this is a defect of the stage, please report it"
            )
        columns.append(column)
    return pa.table(columns, schema=schema)
