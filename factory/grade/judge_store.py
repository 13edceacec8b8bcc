"""Judgements that are kept: what a judge said of a question, never asked for again.

One SQLite file in WAL mode with synchronous FULL, shared by all runs and commands of a machine. A
row's key is the digest of the question and of all that decides the reply beside it, so a kept
judgement can only answer the question that was asked. What is put is committed within about half
a second; whatever was not is asked again after a `kill -9`. The same key twice keeps the first.

Several threads and processes may use a file. Two processes that ask the same question at the same
moment both pay for it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final

from factory.errors import GraderError

FILE_NAME: Final = "judgements.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS judgements (
    key BLOB NOT NULL PRIMARY KEY,
    finding TEXT NOT NULL, reason TEXT NOT NULL, reply TEXT NOT NULL, attempts INTEGER NOT NULL,
    judge TEXT NOT NULL, prompt TEXT NOT NULL, server TEXT NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER,
    created_unix_s REAL NOT NULL, wall_s REAL NOT NULL) WITHOUT ROWID;
"""
_COLUMNS: Final = (
    "finding, reason, reply, attempts, judge, prompt, server, prompt_tokens, completion_tokens, "
    "wall_s"
)
_COMMIT_AFTER_S: Final = 0.5
_BUSY_TIMEOUT_S: Final = 60.0
_KEYS_PER_QUERY: Final = 500


class Finding(StrEnum):
    """What a judge found."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNREADABLE = "unreadable"
    """No reply was in form, or the server will never answer this question (too long, declined)."""


@dataclass(frozen=True)
class Judgement:
    """What a judge said of one question."""

    finding: Finding
    reason: str
    """The judge's own, one line; of an unreadable one, what was wrong with it."""
    reply: str
    """The whole last reply."""
    attempts: int
    """How often it was asked, 1 where the first reply was in form."""
    judge: str
    """`model@revision`."""
    prompt: str
    server: str
    prompt_tokens: int | None
    completion_tokens: int | None
    wall_s: float


class JudgementStore:
    """An open file of judgements. `close` commits what was put.

    Raises:
        GraderError: The file cannot be opened, read or written (disk full, no such file).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pending: list[tuple[Any, ...]] = []
        self._pending_since_s = 0.0
        with self._explaining():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)

    def get_many(self, keys: Collection[str]) -> dict[str, Judgement]:
        """The committed judgements among those of `keys`."""
        found: dict[str, Judgement] = {}
        with self._lock, self._explaining():
            for batch in _batches(keys):
                marks = ",".join("?" * len(batch))
                rows = self._connection.execute(
                    f"SELECT key, {_COLUMNS} FROM judgements WHERE key IN ({marks})",
                    [bytes.fromhex(key) for key in batch],
                )
                for row in rows:
                    found[row[0].hex()] = Judgement(Finding(row[1]), *row[2:])
        return found

    def put(self, key: str, one: Judgement) -> None:
        """Take a judgement for the next commit."""
        row = (
            bytes.fromhex(key),
            one.finding.value,
            one.reason,
            one.reply,
            one.attempts,
            one.judge,
            one.prompt,
            one.server,
            one.prompt_tokens,
            one.completion_tokens,
            time.time(),
            one.wall_s,
        )
        with self._lock:
            if not self._pending:
                self._pending_since_s = time.monotonic()
            self._pending.append(row)
        self.commit_where_due()

    def commit_where_due(self) -> None:
        """Commit where something waits for half a second already."""
        if self._pending and time.monotonic() - self._pending_since_s >= _COMMIT_AFTER_S:
            self.commit()

    def commit(self) -> None:
        """Return once everything that was put is on the disk."""
        with self._lock, self._explaining():
            if not self._pending:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "INSERT INTO judgements (key, finding, reason, reply, attempts, judge, prompt, "
                    "server, prompt_tokens, completion_tokens, created_unix_s, wall_s) "
                    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING",
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
                f"judgements {self._path}: expected a file that can be used, found: {error}; see "
                "that the disk has room and that the file is one of judgements, then run again: "
                "committed judgements are kept"
            ) from error


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, _KEYS_PER_QUERY)):
        yield batch
