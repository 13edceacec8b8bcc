"""Rows of files that others wrote: JSONL, gzipped JSONL, Parquet, or a folder of them.

Of Parquet only the columns are read that are asked for; a dot in the name of a column goes into a
nested one.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import RetortError

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".parquet")

Row = tuple[Path, int, dict[str, Any]]
"""File, line or row number from 1, values by column."""

MISSING: Final = object()
"""What `value_at` finds where there is no such column."""

_BATCH_ROWS: Final = 256
"""Rows with the tests of a program may have a megabyte each."""


def read_rows(
    path: Path,
    error: type[RetortError],
    *,
    required: Collection[str] = (),
    optional: Collection[str] = (),
) -> Iterator[Row]:
    """Rows of a file, or of all such files of a folder by name, one after the other.

    Args:
        required, optional: Columns that are wanted; none required means all columns. A file
            without a required one is read whole, so that a message can say what it has.

    Raises:
        `error`: Nothing readable is there, or a row is no JSON object in UTF-8; with file and row.
    """
    for file, number, values in rows_or_errors(path, error, required=required, optional=optional):
        if isinstance(values, RetortError):
            raise values
        yield file, number, values


def rows_or_errors(
    path: Path,
    error: type[RetortError],
    *,
    required: Collection[str] = (),
    optional: Collection[str] = (),
) -> Iterator[tuple[Path, int, dict[str, Any] | RetortError]]:
    """As `read_rows`, but a line that is no row, or a row of Parquet whose text is not UTF-8, gives
    its error in its place, and reading goes on.

    Raises:
        `error`: Nothing readable is there, or a file as a whole cannot be read.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES))
    if not files:
        raise error(f"{path}: expected files that end with {SUFFIXES}, found none")
    for file in files:
        if not file.name.endswith(SUFFIXES):
            raise error(f"{file}: expected a file that ends with one of {SUFFIXES}")
        try:
            if file.suffix == ".parquet":
                yield from _parquet(file, required, optional, error)
            else:
                yield from _json_lines(file, error)
        except (OSError, EOFError, zlib.error, pa.ArrowInvalid, UnicodeDecodeError) as cause:
            raise error(
                f"{file}: cannot be read ({cause}); check that it is whole and of the kind that "
                f"its name says"
            ) from cause


def wanted_columns(
    names: Sequence[str], required: Collection[str], optional: Collection[str]
) -> list[str] | None:
    """Those of a file's columns that must be read; None where all must."""
    chosen: set[str] = set()
    for wanted in [*required, *optional]:
        found = {wanted, wanted.partition(".")[0]} & set(names)
        if not found and wanted in required:
            return None
        chosen |= found
    return [name for name in names if name in chosen] if required else None


def value_at(values: Any, column: str) -> Any:
    """What stands in a column, `MISSING` where there is none such.

    The whole name is tried first, then what stands before its first dot. From there a dot goes
    into an object, into a text that is the JSON of one, and into each object of a list, whose
    values it gathers.
    """
    if isinstance(values, dict):
        if column in values:
            return values[column]
        head, dot, rest = column.partition(".")
        if not dot or head not in values:
            return MISSING
        return value_at(values[head], rest)
    if isinstance(values, list):
        inner = [value_at(one, column) for one in values]
        return MISSING if MISSING in inner else inner
    if isinstance(values, str):
        try:
            parsed = json.loads(values)
        except (ValueError, RecursionError):
            return MISSING
        return value_at(parsed, column) if isinstance(parsed, dict) else MISSING
    return None if values is None else MISSING


def _json_lines(
    file: Path, error: type[RetortError]
) -> Iterator[tuple[Path, int, dict[str, Any] | RetortError]]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else open(file, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield file, number, _json_line(line, f"{file}, row {number}", number == 1, error)
            except error as bad:
                yield file, number, bad


def _json_line(line: bytes, where: str, first: bool, error: type[RetortError]) -> dict[str, Any]:
    try:
        values = json.loads(line.decode("utf-8-sig" if first else "utf-8"))
    except UnicodeDecodeError as cause:
        raise error(
            f"{where}: expected UTF-8, found byte 0x{line[cause.start]:02x} at column "
            f"{cause.start + 1}; convert the file"
        ) from cause
    except (ValueError, RecursionError) as cause:
        raise error(f"{where}: expected one JSON object per line, found {cause}") from cause
    if not isinstance(values, dict):
        raise error(f"{where}: expected a JSON object, found {type(values).__name__}")
    return values


def _parquet(
    file: Path, required: Collection[str], optional: Collection[str], error: type[RetortError]
) -> Iterator[tuple[Path, int, dict[str, Any] | RetortError]]:
    number = 0
    with pq.ParquetFile(file) as parquet:
        columns = wanted_columns(parquet.schema_arrow.names, required, optional)
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
            for values in batch_rows(batch):
                number += 1
                if isinstance(values, str):
                    yield file, number, error(f"{file}, row {number}: {values}; convert the file")
                else:
                    yield file, number, values


def batch_rows(batch: pa.RecordBatch | pa.Table) -> list[dict[str, Any] | str]:
    """The rows of a batch; in the place of one with a text that is not UTF-8 what is wrong."""
    try:
        return [*batch.to_pylist()]
    except UnicodeDecodeError:
        return [_row_of(batch.slice(row, 1)) for row in range(batch.num_rows)]


def _row_of(single: pa.RecordBatch | pa.Table) -> dict[str, Any] | str:
    values: dict[str, Any] = {}
    for name in single.schema.names:
        try:
            values[name] = single[name].to_pylist()[0]
        except UnicodeDecodeError as cause:
            found = f"byte 0x{cause.object[cause.start]:02x}"
            return f"expected UTF-8 in column {name!r}, found {found}"
    return values
