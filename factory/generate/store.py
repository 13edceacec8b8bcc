"""The candidate store: every completion and every failed request, kept across runs and recipes.

One SQLite file in WAL mode with synchronous FULL: a committed row survives a `kill -9` and a power
cut. A row's key is the digest of its identity, computed here from the identity's fields, so a
stored row can only ever answer for the identity that it was drawn for; the same identity twice is
kept once, the first one. One thread writes, behind a bounded queue, and commits about twice a
second; whatever was not committed is drawn again by the next run. Several runs may share a file.
What a sampling digest stands for is stored too, so that every row can be explained by the file.

Not covered: damage to the file itself (SQLite then reports it, and the stage stops).
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.digest import candidate_id
from factory.errors import TeacherError
from schemas.candidate import FinishReason
from schemas.sample import Drop

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS candidates (
    id BLOB NOT NULL UNIQUE,
    problem_id TEXT NOT NULL, "index" INTEGER NOT NULL, teacher TEXT NOT NULL,
    sampling_digest TEXT NOT NULL, prompt_digest TEXT NOT NULL,
    text BLOB NOT NULL, text_bytes INTEGER NOT NULL, finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER, seed INTEGER,
    server TEXT NOT NULL, engine TEXT NOT NULL, created_unix_s REAL NOT NULL, wall_s REAL);
CREATE TABLE IF NOT EXISTS failures (
    id BLOB NOT NULL UNIQUE,
    reason TEXT NOT NULL, detail TEXT NOT NULL, created_unix_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS settings (
    sampling_digest TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL);
"""
_COLUMNS: Final = (
    'id, problem_id, "index", teacher, sampling_digest, prompt_digest, text, text_bytes, '
    "finish_reason, prompt_tokens, completion_tokens, seed, server, engine, created_unix_s, wall_s"
)
_IDS_PER_QUERY: Final = 500
_QUEUE_GROUPS: Final = 512
_BATCH_ROWS: Final = 2048
_COMMIT_AFTER_S: Final = 0.5
_CACHE_KIB: Final = 64 * 1024
_CHECKPOINT_PAGES: Final = 8192
"""The write-ahead log is written back after so many pages of 4 KiB; ids are random, so a longer
log writes fewer pages twice."""
_BUSY_TIMEOUT_S: Final = 60.0
_ZSTD: Final = pa.Codec("zstd", compression_level=3)


@dataclass(frozen=True)
class Identity:
    """What makes a candidate that candidate and no other."""

    problem_id: str
    index: int
    teacher: str
    sampling_digest: str
    prompt_digest: str

    @property
    def candidate_id(self) -> str:
        """32 hexadecimal digits."""
        return candidate_id(
            self.problem_id, self.index, self.teacher, self.sampling_digest, self.prompt_digest
        )


@dataclass(frozen=True)
class Completion:
    """What a teacher answered for one identity; the fields are those of `Candidate`."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    seed: int | None
    server: str
    engine: str
    created_unix_s: float
    wall_s: float | None


@dataclass(frozen=True)
class Failure:
    """Why a request ended without a completion: `failed` or `overlong_prompt`, with evidence."""

    reason: Drop
    detail: str


Outcome = tuple[str, Identity, Completion | Failure]
"""Candidate id, its identity, and what was answered."""


class CandidateStore:
    """An open store; a context manager. Leaving it commits what was given to it.

    Args:
        path: The SQLite file; made, with its folder, where there is none.

    Raises:
        TeacherError: The file cannot be opened, read or written (disk full, not a store).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.Queue[Sequence[Outcome] | None] = queue.Queue(_QUEUE_GROUPS)
        self._broken: Exception | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._reader = self._connect()
            self._reader.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._error(error) from error
        self._writer = threading.Thread(target=self._write, name="candidate-store", daemon=True)
        self._writer.start()

    def __enter__(self) -> CandidateStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def put(self, identity: Identity, outcome: Completion | Failure) -> None:
        """Queue one outcome for the next commit; waits while the queue is full.

        Raises:
            TeacherError: The writer could not write.
        """
        self.put_many([(identity.candidate_id, identity, outcome)])

    def put_many(self, outcomes: Sequence[Outcome]) -> None:
        """Queue the outcomes of one request, which are committed together; as `put`."""
        while True:
            self._raise_if_broken()
            try:
                self._queue.put(outcomes, timeout=1.0)
            except queue.Full:
                continue
            return

    def explain(self, sampling_digest: str, settings: str) -> None:
        """Store what a sampling digest is the digest of, in canonical JSON.

        Raises:
            TeacherError: It cannot be written.
        """
        try:
            self._reader.execute(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO NOTHING",
                (sampling_digest, settings),
            )
        except sqlite3.Error as error:
            raise self._error(error) from error

    def settings(self, sampling_digest: str) -> str | None:
        """What the digest stands for, in canonical JSON; None where nothing is known of it."""
        query = "SELECT content FROM settings WHERE sampling_digest = ?"
        try:
            row = self._reader.execute(query, (sampling_digest,)).fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from error
        return None if row is None else str(row[0])

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return self._queue.full()

    def flush(self) -> None:
        """Return once everything given to `put` is committed, at once and not in its own time."""
        self._queue.put(())
        self._queue.join()
        self._raise_if_broken()

    def close(self) -> None:
        """Commit what is queued and close the file."""
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join()
        self._reader.close()
        self._raise_if_broken()

    def known_ids(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that have a committed completion."""
        rows = self._select("SELECT id FROM candidates WHERE id IN ({})", ids)
        return {row[0].hex() for row in rows}

    def answered_ids(self, ids: Iterable[str], *, failed_too: bool) -> set[str]:
        """Those of `ids` that have a committed completion, or where asked for a failure."""
        asked = list(ids)
        known = self.known_ids(asked)
        return known | self.failures(asked).keys() if failed_too else known

    def failures(self, ids: Iterable[str]) -> dict[str, Failure]:
        """The last failure of each of `ids` that has one and no completion."""
        rows = self._select("SELECT id, reason, detail FROM failures WHERE id IN ({})", ids)
        return {row[0].hex(): Failure(Drop(row[1]), row[2]) for row in rows}

    def read(self, ids: Sequence[str]) -> Iterator[tuple[Identity, Completion]]:
        """The committed completions of `ids`, in their order, a few hundred in memory at a time.

        Ids without a completion are left out.
        """
        for batch in _batches(ids):
            found = {
                row[0].hex(): row
                for row in self._select(
                    f"SELECT {_COLUMNS} FROM candidates WHERE id IN ({{}})", batch
                )
            }
            for one in batch:
                if (row := found.get(one)) is not None:
                    yield _parse(row)

    # ------------------------------------------------------------------------------ within

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return connection

    def _select(self, query: str, ids: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        for batch in _batches(ids):
            marks = ",".join("?" * len(batch))
            try:
                yield from self._reader.execute(
                    query.format(marks), [bytes.fromhex(one) for one in batch]
                )
            except sqlite3.Error as error:
                raise self._error(error) from error

    def _write(self) -> None:
        connection: sqlite3.Connection | None = None
        last = False
        while not last:
            groups, last = self._take_groups()
            try:
                batch = [one for group in groups for one in group]
                if batch and self._broken is None:
                    connection = connection or self._connect()
                    _commit(connection, batch)
            except Exception as error:  # noqa: BLE001 - told to whoever puts or flushes next
                self._broken = error
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

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            raise self._error(self._broken) from self._broken

    def _error(self, error: Exception) -> TeacherError:
        return TeacherError(
            f"candidate store {self._path}: cannot be used ({error}); check that the disk has room "
            f"and that the file is a store of this version, then run again: committed candidates "
            f"are kept"
        )


def _commit(connection: sqlite3.Connection, batch: Sequence[Outcome]) -> None:
    candidates: list[tuple[Any, ...]] = []
    failures: list[tuple[Any, ...]] = []
    for candidate, identity, outcome in batch:
        key = bytes.fromhex(candidate)
        if isinstance(outcome, Failure):
            failures.append((key, outcome.reason.value, outcome.detail, time.time()))
            continue
        text = outcome.text.encode("utf-8", "replace")
        candidates.append(
            (
                key,
                identity.problem_id,
                identity.index,
                identity.teacher,
                identity.sampling_digest,
                identity.prompt_digest,
                _ZSTD.compress(text, asbytes=True),
                len(text),
                outcome.finish_reason.value,
                outcome.prompt_tokens,
                outcome.completion_tokens,
                outcome.seed,
                outcome.server,
                outcome.engine,
                outcome.created_unix_s,
                outcome.wall_s,
            )
        )
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(
            f"INSERT INTO candidates ({_COLUMNS}) VALUES ({','.join('?' * 16)}) "
            "ON CONFLICT (id) DO NOTHING",
            candidates,
        )
        connection.executemany(
            "INSERT INTO failures VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "reason = excluded.reason, detail = excluded.detail, "
            "created_unix_s = excluded.created_unix_s",
            failures,
        )
        connection.executemany(
            "DELETE FROM failures WHERE id = ?", [(row[0],) for row in candidates]
        )
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _parse(row: tuple[Any, ...]) -> tuple[Identity, Completion]:
    text: bytes = _ZSTD.decompress(row[6], decompressed_size=row[7], asbytes=True)
    return Identity(*row[1:6]), Completion(text.decode(), FinishReason(row[8]), *row[9:16])


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while batch := list(islice(rest, _IDS_PER_QUERY)):
        yield batch
