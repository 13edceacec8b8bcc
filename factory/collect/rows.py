"""Rows of what sources are made of, each with the place that an error message needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import RetortError, SourceError
from factory.files import row_files
from factory.files.row_files import MISSING, value_at
from factory.hub import DatasetSplit, hub_rows_or_errors


@dataclass(frozen=True)
class SourceRow:
    """One row and where it stands."""

    values: dict[str, Any]
    path: str
    number: int
    """Line or row number, from 1."""
    broken: RetortError | None = None
    """Why there is no row here: it is no JSON object, or not UTF-8. `values` is empty then."""

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
        return self.unbroken(column, value)

    def unbroken(self, column: str, text: str) -> str:
        """The text itself.

        Raises:
            SourceError: UTF-8 cannot hold it.
        """
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            found = "half of a surrogate pair"
            raise self.wrong(column, "text that UTF-8 can hold", found) from None
        return text

    def identifier(self, column: str, at: int) -> str:
        """The row's own id; `at`, its number from 0, where it has no such column.

        Raises:
            SourceError: The column holds no id.
        """
        if not column or not self.has(column):
            return str(at)
        value = self.value(column)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise self.wrong(column, "an id (text or a whole number)", value)
        return self.text(column) if isinstance(value, str) else str(value)

    def label(self, column: str) -> str:
        """A text or number as text; empty where the column has no name, is missing or null.

        Raises:
            SourceError: The column holds something else.
        """
        value = self.value(column, optional=True) if column else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return self.text(column, optional=True) if column else ""

    def joined(self, columns: str) -> str:
        """The texts of columns named with commas between them, joined by an empty line.

        Columns but the first may be null or empty; then they are left out.

        Raises:
            SourceError: The first one is missing, or one holds no text.
        """
        names = split_names(columns, self.values)
        texts = [self.text(name, optional=at > 0) for at, name in enumerate(names)]
        return "\n\n".join(text for text in texts if text.strip())

    def value(self, column: str, *, optional: bool = False) -> Any:
        """What stands in a column, perhaps a nested one; None only where `optional`.

        Raises:
            SourceError: The column is missing or null.
        """
        value = value_at(self.values, column)
        if value is MISSING or value is None:
            if optional:
                return None
            found = f"columns {sorted(self.values)}" if value is MISSING else "null"
            raise SourceError(
                f"{self.place}: expected column {column!r}, found {found}; correct the row, or "
                f"name the right column in the source's `columns`"
            )
        return value

    def has(self, column: str) -> bool:
        """Whether there is such a column, be it null."""
        return value_at(self.values, column) is not MISSING

    def wrong(self, column: str, expected: str, found: object) -> SourceError:
        """The error for a value of another kind."""
        return SourceError(
            f"{self.place}: expected {expected} in column {column!r}, found "
            f"{type(found).__name__} {found!r:.80}; correct the row or leave it out"
        )


def split_names(columns: str, known: Collection[str]) -> list[str]:
    """The names in `a, b`; one whole name where a column is called so."""
    if columns in known:
        return [columns]
    return [name.strip() for name in columns.split(",") if name.strip()]


def read_rows(
    path: Path, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> Iterator[SourceRow]:
    """Rows of a JSONL, gzipped JSONL or Parquet file, or of all such files of a folder by name.

    Args:
        required, optional: Columns that are wanted, as for `factory.files.row_files.read_rows`.

    Raises:
        SourceError: Nothing readable is there, or a row is no JSON object in UTF-8.
    """
    for row in rows_or_broken(path, required=required, optional=optional):
        if row.broken is not None:
            raise row.broken
        yield row


def rows_or_broken(
    path: Path, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> Iterator[SourceRow]:
    """As `read_rows`, but a row that cannot be read comes as one that is `broken`.

    Raises:
        SourceError: Nothing readable is there, or a file as a whole cannot be read.
    """
    yield from _source_rows(
        row_files.rows_or_errors(path, SourceError, required=required, optional=optional)
    )


def dataset_rows(
    place: DatasetSplit, who: str, *, required: Collection[str], optional: Collection[str]
) -> Iterator[SourceRow]:
    """Rows of one split of a dataset; one that cannot be read comes as one that is `broken`.

    Raises:
        SourceError, RecipeError: See `factory.hub.hub_rows_or_errors`.
    """
    yield from _source_rows(
        hub_rows_or_errors(place, who, SourceError, required=required, optional=optional)
    )


def _source_rows(
    rows: Iterable[tuple[Path | str, int, dict[str, Any] | RetortError]],
) -> Iterator[SourceRow]:
    for place, number, values in rows:
        if isinstance(values, RetortError):
            yield SourceRow({}, str(place), number, broken=values)
        else:
            yield SourceRow(values, str(place), number)
