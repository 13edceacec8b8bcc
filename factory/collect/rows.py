"""Rows of the files that sources are made of, each with the place that an error message needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory import row_files
from factory.errors import SourceError


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
    for file, number, values in row_files.read_rows(path, SourceError):
        yield SourceRow(values, str(file), number)
