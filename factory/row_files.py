"""Rows of files that others wrote: JSONL, gzipped JSONL, Parquet, or a folder of them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import RetortError

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".parquet")

Row = tuple[Path, int, dict[str, Any]]
"""File, line or row number from 1, values by column."""


def read_rows(path: Path, error: type[RetortError]) -> Iterator[Row]:
    """Rows of a file, or of all such files of a folder by name, one after the other.

    Raises:
        `error`: Nothing readable is there, or a row is no JSON object in UTF-8; with file and row.
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
            yield from _parquet(file) if file.suffix == ".parquet" else _json_lines(file, error)
        except (OSError, EOFError, zlib.error, pa.ArrowInvalid, UnicodeDecodeError) as cause:
            raise error(
                f"{file}: cannot be read ({cause}); check that it is whole and of the kind that "
                f"its name says"
            ) from cause


def _json_lines(file: Path, error: type[RetortError]) -> Iterator[Row]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else open(file, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                values = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as cause:
                raise error(
                    f"{file}, row {number}: expected UTF-8, found byte "
                    f"0x{line[cause.start]:02x} at column {cause.start + 1}; convert the file"
                ) from cause
            except (ValueError, RecursionError) as cause:
                raise error(
                    f"{file}, row {number}: expected one JSON object per line, found {cause}"
                ) from cause
            if not isinstance(values, dict):
                raise error(
                    f"{file}, row {number}: expected a JSON object, found {type(values).__name__}"
                )
            yield file, number, values


def _parquet(file: Path) -> Iterator[Row]:
    number = 0
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=1024):
            for values in batch.to_pylist():
                number += 1
                yield file, number, values
