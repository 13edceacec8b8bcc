"""Rows of the files that sources are made of, each with the place that an error message needs."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import SourceError

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True)
class SourceRow:
    """One row and where it stands."""

    values: dict[str, Any]
    path: str
    number: int
    """Line or row number, from 1."""

    @property
    def place(self) -> str:
        """`file, row 17`."""
        return f"{self.path}, row {self.number}"

    def text(self, column: str, *, optional: bool = False) -> str:
        """The text in a column, `""` where it may be missing and is.

        Raises:
            SourceError: The column is missing, or holds no text.
        """
        value = self.value(column, optional=optional)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(column, "text", value)
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise self.wrong(column, "text that UTF-8 can hold", "half of a surrogate pair")
        return value

    def value(self, column: str, *, optional: bool = False) -> Any:
        """What stands in a column; None only where `optional`.

        Raises:
            SourceError: The column is missing or null.
        """
        value = self.values.get(column)
        if value is None and not optional:
            found = "null" if column in self.values else f"columns {sorted(self.values)}"
            raise SourceError(
                f"{self.place}: expected column {column!r}, found {found}; correct the row, or "
                f"name the right column in the source's `columns`"
            )
        return value

    def wrong(self, column: str, expected: str, found: object) -> SourceError:
        """The error for a value of another kind."""
        return SourceError(
            f"{self.place}: expected {expected} in column {column!r}, found "
            f"{type(found).__name__} {found!r:.80}; correct the row or leave it out"
        )


def read_rows(path: Path) -> Iterator[SourceRow]:
    """Rows of a JSONL, gzipped JSONL or Parquet file, or of all such files of a folder by name.

    Raises:
        SourceError: Nothing readable is there, or a row is no JSON object in UTF-8.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES))
    if not files:
        raise SourceError(f"{path}: expected files that end with {SUFFIXES}, found none")
    for file in files:
        if not file.name.endswith(SUFFIXES):
            raise SourceError(f"{file}: expected a file that ends with one of {SUFFIXES}")
        try:
            yield from _parquet(file) if file.suffix == ".parquet" else _json_lines(file)
        except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
            raise SourceError(
                f"{file}: cannot be read ({error}); check that it is whole and of the kind that "
                f"its name says"
            ) from error


def _json_lines(file: Path) -> Iterator[SourceRow]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else open(file, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                values = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise SourceError(
                    f"{file}, row {number}: expected UTF-8, found byte "
                    f"0x{line[error.start]:02x} at column {error.start + 1}; convert the file"
                ) from error
            except (ValueError, RecursionError) as error:
                raise SourceError(
                    f"{file}, row {number}: expected one JSON object per line, found {error}"
                ) from error
            if not isinstance(values, dict):
                raise SourceError(
                    f"{file}, row {number}: expected a JSON object, found {type(values).__name__}"
                )
            yield SourceRow(values, str(file), number)


def _parquet(file: Path) -> Iterator[SourceRow]:
    number = 0
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=4096):
            for values in batch.to_pylist():
                number += 1
                yield SourceRow(values, str(file), number)
