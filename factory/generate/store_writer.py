"""The thread that writes a candidate store, behind a bounded queue.

It commits about twice a second, the completions of a commit in blocks. Whatever was not committed
is drawn again by the next run.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

from factory.generate.blocks import Block, as_rows, packed
from factory.generate.identity import Completion, Failure, Identity, Outcome
from factory.generate.store_form import LAYOUT, connect

_QUEUE_GROUPS: Final = 512
_BATCH_ROWS: Final = 2048
_COMMIT_AFTER_S: Final = 0.5

_Completed = tuple[bytes, Identity, Completion]
_Failed = tuple[bytes, str, str, float]


class StoreWriter:
    """Takes outcomes and commits them, those of one request together.

    Args:
        path: The SQLite file, whose tables are there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.Queue[Sequence[Outcome] | None] = queue.Queue(_QUEUE_GROUPS)
        self.broken: Exception | None = None
        """Why nothing is written any more."""
        self._thread = threading.Thread(target=self._write, name="candidate-store", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return self._queue.full()

    def put(self, outcomes: Sequence[Outcome], *, wait_s: float) -> bool:
        """Queue outcomes; whether there was room within so many seconds."""
        try:
            self._queue.put(outcomes, timeout=wait_s)
        except queue.Full:
            return False
        return True

    def flush(self) -> None:
        """Return once everything that was put is committed, or cannot be."""
        self._queue.put(())
        self._queue.join()

    def close(self) -> None:
        """Commit what is queued and end."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _write(self) -> None:
        connection: sqlite3.Connection | None = None
        last = False
        while not last:
            groups, last = self._take_groups()
            try:
                batch = list(chain.from_iterable(groups))
                if batch and self.broken is None:
                    connection = connection or connect(self._path)
                    _commit(connection, batch)
            except Exception as error:  # noqa: BLE001 - told to whoever puts or flushes next
                self.broken = error
            for _ in range(len(groups) + last):
                self._queue.task_done()
        if connection is not None:
            connection.close()

    def _take_groups(self) -> tuple[list[Sequence[Outcome]], bool]:
        """What is committed together, and whether it is the last."""
        first = self._queue.get()
        if first is None:
            return [], True
        groups, rows = [first], len(first)
        deadline = time.monotonic() + _COMMIT_AFTER_S
        while rows < _BATCH_ROWS and groups[-1]:  # an empty one: somebody waits
            try:
                group = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if group is None:
                return groups, True
            groups.append(group)
            rows += len(group)
        return groups, False


def _commit(connection: sqlite3.Connection, batch: Sequence[Outcome]) -> None:
    completed, failed = _sorted_out(batch)
    blocks: list[Block] = []
    if completed:
        _, identities, completions = zip(*completed, strict=True)
        blocks = list(packed(as_rows(identities, completions)))
    connection.execute("BEGIN IMMEDIATE")
    try:
        rows = iter(completed)
        for block in blocks:
            _insert(connection, block, islice(rows, block.rows))
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


def _insert(connection: sqlite3.Connection, block: Block, rows: Iterable[_Completed]) -> None:
    number = connection.execute(
        "INSERT INTO blocks (layout, content_bytes, crc32, content) VALUES (?, ?, ?, ?)",
        (LAYOUT, block.content_bytes, block.crc32, block.content),
    ).lastrowid
    connection.executemany(
        "INSERT INTO candidates VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            (key, number, place, completion.created_unix_s)
            for place, (key, _, completion) in enumerate(rows)
        ),
    )


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
