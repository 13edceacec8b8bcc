"""`python -m retort.explore.search_build FOLDER PID`: builds the index of texts beside the server.

Rows go in file by file in transactions, each with how many are done; a build that was killed goes
on after the last transaction. It ends with the process PID. One process builds at a time; another
one waits and takes over where the first is gone.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import pyarrow as pa

from factory.artifact import sole_writer
from factory.errors import Busy, RetortError
from factory.orphans import die_with_parent
from retort.explore.index_folder import open_index, texts_lock
from retort.explore.search_files import (
    STATE_FILE,
    TABLE,
    TEXTS_FILE,
    SearchState,
    read_state,
    write_state,
)
from retort.explore.search_texts import (
    searched_texts,
)

_TRANSACTION_CHARS: Final = 48_000_000
_HASH_BYTES: Final = 32 << 20
"""What FTS5 gathers in memory before it writes; its own default of 1 MB means many merges."""
_CACHE_KIB: Final = 65_536
_SECONDS_BETWEEN_STATES: Final = 1.0
_SECONDS_BETWEEN_TRIES: Final = 1.0
_NICE: Final = 5
"""The page goes first."""


def build_texts(folder: Path) -> None:
    """Build or finish the index of texts of an index folder.

    Raises:
        RetortError: A file of the source changed, or another process builds (`Busy`).
    """
    with sole_writer(texts_lock(folder), tidy=True):
        known = read_state(folder)
        if known is not None and known.state == "ready":
            return
        try:
            _build(folder)
        except sqlite3.Error as error:
            _remove(folder)
            raise RetortError(f"{folder / TEXTS_FILE}: cannot be built ({error})") from error


def _remove(folder: Path) -> None:
    for name in (TEXTS_FILE, f"{TEXTS_FILE}-wal", f"{TEXTS_FILE}-shm", STATE_FILE):
        (folder / name).unlink(missing_ok=True)


def _build(folder: Path) -> None:
    table = open_index(folder)
    total = len(table.column("by_place"))
    with closing(sqlite3.connect(folder / TEXTS_FILE, isolation_level=None)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        base.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'done'").fetchone():
            base.execute("BEGIN")
            base.execute(TABLE)
            base.execute("CREATE TABLE done (rows INTEGER NOT NULL)")
            base.execute("INSERT INTO done VALUES (0)")
            base.execute("COMMIT")
        base.execute("INSERT INTO texts (texts, rank) VALUES ('hashsize', ?)", (_HASH_BYTES,))
        (first,) = base.execute("SELECT rows FROM done").fetchone()
        told = _Told(folder, first, total)
        done, chars = first, 0
        base.execute("BEGIN")
        for text in searched_texts(table, first):
            base.execute("INSERT INTO texts (rowid, text) VALUES (?, ?)", (done, text))
            done += 1
            chars += len(text)
            told.now(done)
            if chars >= _TRANSACTION_CHARS:
                base.execute("UPDATE done SET rows = ?", (done,))
                base.execute("COMMIT")
                base.execute("BEGIN")
                chars = 0
        base.execute("UPDATE done SET rows = ?", (done,))
        base.execute("COMMIT")
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        base.execute("PRAGMA journal_mode = DELETE")
    write_state(folder, SearchState(state="ready", done=total, total=total))


class _Told:
    """Says now and then how far the build is."""

    def __init__(self, folder: Path, first: int, total: int) -> None:
        self._folder, self._first, self._total = folder, first, total
        self._begun_s = self._last_s = time.monotonic()
        write_state(folder, SearchState(state="building", done=first, total=total))

    def now(self, done: int) -> None:
        """So many rows are done."""
        now = time.monotonic()
        if now < self._last_s + _SECONDS_BETWEEN_STATES:
            return
        self._last_s = now
        per_row_s = (now - self._begun_s) / (done - self._first)
        left_s = round(per_row_s * (self._total - done), 1)
        write_state(
            self._folder,
            SearchState(state="building", done=done, total=self._total, left_s=left_s),
        )


# ------------------------------------------------------------------------------------------- texts


def main() -> int:
    """0 when the index is ready."""
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    os.nice(_NICE)
    while True:
        try:
            build_texts(folder)
        except Busy:
            time.sleep(_SECONDS_BETWEEN_TRIES)
        except (RetortError, OSError, pa.ArrowInvalid) as error:
            write_state(folder, SearchState(state="failed", message=str(error)))
            return 1
        else:
            return 0


if __name__ == "__main__":
    sys.exit(main())
