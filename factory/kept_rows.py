"""Rows that are kept by the digest of what was asked: what was answered once is not asked again.

One SQLite file in WAL mode with synchronous FULL, shared by all runs and commands of a machine.
What is put is committed within about half a second; whatever was not is asked again after a
`kill -9`. The same key twice keeps the first. Several threads and processes may use a file; two
processes that ask the same at the same moment both pay for it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from factory.errors import GraderError

_COMMIT_AFTER_S: Final = 0.5
_BUSY_TIMEOUT_S: Final = 60.0
_KEYS_PER_QUERY: Final = 500


class KeptRows:
    """An open file. `close` commits what was put.

    Args:
        path: The file; made, with its folder, where there is none.
        table: Name of its table, and what errors call its rows.
        columns: Column -> SQL type, in the order of the rows' values; `key` and `created_unix_s`
            come on top.

    Raises:
        GraderError: The file cannot be opened, read or written (disk full, no such file).
    """

    def __init__(self, path: Path, table: str, columns: Mapping[str, str]) -> None:
        self._path, self._table, self._columns = path, table, list(columns)
        self._lock = threading.Lock()
        self._pending: list[tuple[Any, ...]] = []
        self._pending_since_s = 0.0
        made = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        with self._explaining():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (key BLOB NOT NULL PRIMARY KEY, {made}, "
                f"created_unix_s REAL NOT NULL) WITHOUT ROWID"
            )

    def rows(self, keys: Collection[str]) -> dict[str, tuple[Any, ...]]:
        """The committed rows among those of `keys`, hexadecimal digests."""
        found: dict[str, tuple[Any, ...]] = {}
        with self._lock, self._explaining():
            for batch in _batches(keys):
                marks = ",".join("?" * len(batch))
                rows = self._connection.execute(
                    f"SELECT key, {', '.join(self._columns)} FROM {self._table} "
                    f"WHERE key IN ({marks})",
                    [bytes.fromhex(key) for key in batch],
                )
                for row in rows:
                    found[row[0].hex()] = row[1:]
        return found

    def put_row(self, key: str, row: tuple[Any, ...]) -> None:
        """Take a row for the next commit."""
        with self._lock:
            if not self._pending:
                self._pending_since_s = time.monotonic()
            self._pending.append((bytes.fromhex(key), *row, time.time()))
        self.commit_where_due()

    def commit_where_due(self) -> None:
        """Commit where something waits for half a second already."""
        if self._pending and time.monotonic() - self._pending_since_s >= _COMMIT_AFTER_S:
            self.commit()

    def commit(self) -> None:
        """Return once everything that was put is on the disk."""
        names = ["key", *self._columns, "created_unix_s"]
        with self._lock, self._explaining():
            if not self._pending:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    f"INSERT INTO {self._table} ({', '.join(names)}) "
                    f"VALUES ({', '.join('?' * len(names))}) ON CONFLICT (key) DO NOTHING",
                    self._pending,
                )
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._pending.clear()

    def close(self) -> None:
        """Commit and close the file."""
        try:
            self.commit()
        finally:
            self._connection.close()

    @contextmanager
    def _explaining(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise GraderError(
                f"{self._table} {self._path}: expected a file that can be used, found: {error}; "
                f"see that the disk has room and that the file is one of {self._table}, then run "
                f"again: committed {self._table} are kept"
            ) from error


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, _KEYS_PER_QUERY)):
        yield batch
