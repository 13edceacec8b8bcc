"""Imported responses, put in the order of their problems on disk instead of in memory.

Files hold problems in any order, parts hold them in the order of the run. The spool is a SQLite
file in the artifact's folder, under a hidden name; it is made anew by each run of the stage and
removed at the end. It is no store: nothing needs it to survive.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from factory.errors import StorageFull
from factory.generate.imported_rows import ImportedRow, Response
from schemas.candidate import FinishReason

_PREFIX: Final = ".imported."
_SCHEMA: Final = """
CREATE TABLE responses (
    position INTEGER NOT NULL, number INTEGER NOT NULL, file INTEGER NOT NULL,
    time_unix_s REAL NOT NULL, label INTEGER, finish_reason TEXT NOT NULL, text TEXT NOT NULL);
"""
_CACHE_KIB: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class Spooled:
    """One response in its place."""

    position: int
    """Of the problem in the run."""
    number: int
    """Of the response among those of its problem, from 0."""
    file: int
    """Which file of the recipe it is from."""
    file_time_unix_s: float
    response: Response


class Spool:
    """Responses in, in any order; out, sorted by problem. A context manager that removes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{_PREFIX}{os.getpid()}.sqlite"
        self._next: dict[int, int] = {}

    @property
    def problems(self) -> int:
        """Problems with at least one response."""
        return len(self._next)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.glob(f"{_PREFIX}*"):  # of a run that was killed
            left.unlink()
        self._database = sqlite3.connect(self._path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_SCHEMA + "BEGIN;")
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()
        self._path.unlink(missing_ok=True)

    def add(self, position: int, file: int, row: ImportedRow) -> None:
        """Take the responses of a row to the problem at `position`.

        Raises:
            StorageFull: The disk is full.
        """
        first = self._next.get(position, 0)
        if row.responses:
            self._next[position] = first + len(row.responses)
        try:
            self._database.executemany(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(position, number, file, row.file_time_unix_s),
                        *(one.label, one.finish_reason.value, one.text),
                    )
                    for number, one in enumerate(row.responses, first)
                ),
            )
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def in_order(self) -> Iterator[Spooled]:
        """All responses, by problem and then as they came.

        Raises:
            StorageFull: The disk is full.
        """
        try:
            self._database.execute("CREATE INDEX place ON responses (position, number)")
            for position, number, file, time_unix_s, label, reason, text in self._database.execute(
                "SELECT * FROM responses ORDER BY position, number"
            ):
                response = Response(
                    text, None if label is None else bool(label), FinishReason(reason)
                )
                yield Spooled(position, number, file, time_unix_s, response)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: sqlite3.Error) -> StorageFull:
        return StorageFull(
            f"{self._path}: cannot hold the imported responses ({error}); see that the disk has "
            f"room for them twice and run again, finished parts are kept"
        )
