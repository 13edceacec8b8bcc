"""The thread that writes a candidate store, from a bounded number of rows that wait.

It commits about twice a second, the completions of a commit in blocks. Whatever was not committed
is drawn again by the next run.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from factory.generate.blocks import Block, as_rows, packed
from factory.generate.identity import Completion, Failure, Identity, Outcome
from factory.generate.store_form import LAYOUT, connect

_WAITING_ROWS: Final = 4096
"""More than these wait for no commit: whoever puts one waits."""
_BATCH_ROWS: Final = 2048
_COMMIT_AFTER_S: Final = 0.5

_Completed = tuple[bytes, Identity, Completion]
_Failed = tuple[bytes, str, str, float]


class StoreWriter:
    """Takes outcomes and commits them, those that are put together in one commit.

    Args:
        path: The SQLite file, whose tables are there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.broken: Exception | None = None
        """Why nothing is written any more."""
        self._changed = threading.Condition()
        self._waiting: list[Outcome] = []
        self._given = self._done = 0
        self._hurry = self._closing = False
        self._thread = threading.Thread(target=self._write, name="candidate-store", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return len(self._waiting) >= _WAITING_ROWS

    def put(self, outcomes: Sequence[Outcome], *, wait_s: float) -> bool:
        """Take outcomes; whether there was room within so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self.full, wait_s):
                return False
            idle = not self._waiting
            self._waiting += outcomes
            self._given += len(outcomes)
            if idle or len(self._waiting) >= _BATCH_ROWS:
                self._changed.notify_all()
        return True

    def flush(self) -> None:
        """Return once everything that was put is committed, or cannot be."""
        with self._changed:
            until = self._given
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._done >= until)

    def close(self) -> None:
        """Commit what was put and end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _write(self) -> None:
        connection: sqlite3.Connection | None = None
        while batch := self._take():
            try:
                if self.broken is None:
                    connection = connection or connect(self._path)
                    _commit(connection, batch)
            except Exception as error:  # noqa: BLE001 - told to whoever puts or flushes next
                self.broken = error
            with self._changed:
                self._done += len(batch)
                self._changed.notify_all()
        if connection is not None:
            connection.close()

    def _take(self) -> list[Outcome]:
        """What is committed together: all that waits, once it is enough, or has waited, or somebody
        waits for it; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(
                lambda: len(self._waiting) >= _BATCH_ROWS or self._hurry or self._closing,
                _COMMIT_AFTER_S,
            )
            batch, self._waiting, self._hurry = self._waiting, [], False
            self._changed.notify_all()
        return batch


def _commit(connection: sqlite3.Connection, batch: Sequence[Outcome]) -> None:
    completed, failed = _sorted_out(batch)
    blocks: list[Block] = []
    if completed:
        _, identities, completions = zip(*completed, strict=True)
        blocks = list(packed(as_rows(identities, completions)))
    connection.execute("BEGIN IMMEDIATE")
    try:
        rows = iter(completed)
        places: list[tuple[bytes, int, int, float]] = []
        for block in blocks:
            number = _insert(connection, block)
            places += (
                (key, number, at, completion.created_unix_s)
                for at, (key, _, completion) in enumerate(islice(rows, block.rows))
            )
        places.sort()  # neighbours in the index are written together
        connection.executemany(
            "INSERT INTO candidates VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", places
        )
        connection.executemany(
            "INSERT INTO failures VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "reason = excluded.reason, detail = excluded.detail, "
            "created_unix_s = excluded.created_unix_s",
            failed,
        )
        if connection.execute("SELECT EXISTS (SELECT 1 FROM failures)").fetchone()[0]:
            connection.executemany(
                "DELETE FROM failures WHERE id = ?", ((key,) for key, _, _ in completed)
            )
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _insert(connection: sqlite3.Connection, block: Block) -> int:
    """The number that a block is given."""
    number = connection.execute(
        "INSERT INTO blocks (layout, content_bytes, crc32, content, rows) VALUES (?, ?, ?, ?, ?)",
        (LAYOUT, block.content_bytes, block.crc32, block.content, block.rows),
    ).lastrowid
    assert number is not None
    return number


def _sorted_out(batch: Sequence[Outcome]) -> tuple[list[_Completed], list[_Failed]]:
    """Completions, the first one of each id, and failures as rows of their table."""
    completed: dict[str, _Completed] = {}
    failed: list[_Failed] = []
    for candidate, identity, outcome in batch:
        key = bytes.fromhex(candidate)
        if isinstance(outcome, Failure):
            failed.append((key, outcome.reason.value, outcome.detail, time.time()))
        elif candidate not in completed:
            completed[candidate] = (key, identity, outcome)
    return list(completed.values()), failed
