"""The candidate store: every completion and every failed request, kept across runs and recipes.

One SQLite file in WAL mode with synchronous FULL: a committed row survives a `kill -9` and a power
cut. A row's key is the digest of its identity, computed here from the identity's fields, so a
stored row can only ever answer for the identity that it was drawn for; the same identity twice is
kept once, the first one. One thread writes (`store_writer`), completions in blocks (`blocks`), and
commits about twice a second. Several runs may share a file.
What a sampling digest stands for is stored too, so that every row can be explained by the file.

Candidates that were written into the parts of an artifact stand there alone (`settled`).

A damaged block or part is noticed when it is read. Not covered: other damage to the file (SQLite
then reports it, and the stage stops).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.errors import TeacherError
from factory.generate.blocks import STORED, unpacked
from factory.generate.identity import Completion, Failure, Identity, Outcome
from factory.generate.settled import Place, SettledParts
from factory.generate.store_form import (
    FIRST_FORM_COLUMNS,
    LAYOUTS,
    PLACES,
    connect,
    first_form_rows,
    make_tables,
)
from factory.generate.store_writer import StoreWriter
from schemas.sample import Drop

_IDS_PER_QUERY: Final = 500
_LOOK_EVERY_S: Final = 1.0
"""Whoever waits for room looks so often whether the writer still writes."""


class CandidateStore:
    """An open store; a context manager. Leaving it commits what was given to it.

    Args:
        path: The SQLite file; made, with its folder, where there is none.

    Raises:
        TeacherError: The file cannot be opened, read or written (disk full, not a store).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._reader = connect(path)
            self._has_first_form = make_tables(self._reader)
        except (sqlite3.Error, ValueError) as error:
            raise self._error(error) from error
        self._writer = StoreWriter(path)
        self._settled = SettledParts(path.with_suffix(".parts"), self._reader)

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
        self._raise_if_broken()
        while not self._writer.put(outcomes, wait_s=_LOOK_EVERY_S):
            self._raise_if_broken()

    def explain(self, sampling_digest: str, settings: str) -> None:
        """Store what a sampling digest is the digest of, in canonical JSON.

        Raises:
            TeacherError: It cannot be written.
        """
        self._query(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO NOTHING", sampling_digest, settings
        )

    def settings(self, sampling_digest: str) -> str | None:
        """What the digest stands for, in canonical JSON; None where nothing is known of it."""
        rows = self._query(
            "SELECT content FROM settings WHERE sampling_digest = ?", sampling_digest
        )
        return str(rows[0][0]) if rows else None

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return self._writer.full

    def flush(self) -> None:
        """Return once everything given to `put` is committed, at once and not in its own time."""
        self._writer.flush()
        self._raise_if_broken()

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._writer.close()
        self._reader.close()
        self._raise_if_broken()

    def places(self, ids: Iterable[str]) -> dict[str, Place]:
        """Where the completion of each of `ids` stands that has a committed one."""
        found: dict[str, Place] = {}
        for batch in _batches(ids):
            rows = self._among("SELECT id, block, place FROM candidates WHERE id IN ({})", batch)
            found.update((row[0].hex(), Place(row[1], row[2])) for row in rows)
            if self._has_first_form:
                rows = self._among("SELECT id, rowid FROM candidates_1 WHERE id IN ({})", batch)
                found.update((row[0].hex(), Place(None, row[1])) for row in rows)
        return found

    def answered_ids(self, ids: Iterable[str], *, failed_too: bool) -> set[str]:
        """Those of `ids` that have a committed completion, or where asked for a failure."""
        asked = list(ids)
        known = set(self.places(asked))
        return known | self.failures(asked).keys() if failed_too else known

    def failures(self, ids: Iterable[str]) -> dict[str, Failure]:
        """The last failure of each of `ids` that has one and no completion."""
        return {
            row[0].hex(): Failure(Drop(row[1]), row[2])
            for batch in _batches(ids)
            for row in self._among(
                "SELECT id, reason, detail FROM failures WHERE id IN ({})", batch
            )
        }

    def rows(self, places: Sequence[Place]) -> pa.Table:
        """The completions that stand there, in this order, in the columns of `STORED`.

        Each block, and each part of settled ones, is read once, so neighbours should be asked for
        together.

        Raises:
            TeacherError: One cannot be read, or a block or a part is damaged.
        """
        wanted: dict[int | None, list[tuple[int, int]]] = {}
        for position, place in enumerate(places):
            wanted.setdefault(place.block, []).append((place.at, position))
        found: list[pa.RecordBatch] = []
        order: list[int] = []
        settled: dict[int, list[tuple[int, int, int]]] = {}
        for block, rows in wanted.items():
            at, positions = zip(*rows, strict=True)
            if block is None:
                found.append(self._first_form(at))
                order += positions
                continue
            layout, content = self._block(block)
            content = content.take(pa.array(at, pa.int32()))
            if layout == PLACES:
                parts, in_part = (content[name].to_pylist() for name in ("part", "row"))
                for part, row, position in zip(parts, in_part, positions, strict=True):
                    settled.setdefault(part, []).append((row, position, block))
                continue
            found.append(content)
            order += positions
        for part, rows in settled.items():
            in_part, positions, blocks = zip(*rows, strict=True)
            found.append(self._of_part(part, in_part, sorted(set(blocks))))
            order += positions
        where = [0] * len(order)
        for row, position in enumerate(order):
            where[position] = row
        whole = pa.Table.from_batches(found, STORED).combine_chunks()
        return whole if where == sorted(where) else whole.take(where)

    def settle(self, part: Path, sha256: str, places: Sequence[Place]) -> None:
        """Let a part hold the completions that stand at `places`, one for each of its rows, so that
        their texts stand on disk once (`settled`).

        Raises:
            TeacherError: It cannot be noted.
        """
        try:
            self._settled.settle(part, sha256, places)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error

    def give_back(self) -> None:
        """Give the room of what is settled back to the file system.

        Raises:
            TeacherError: The file cannot be written.
        """
        try:
            self._settled.give_back()
        except sqlite3.Error as error:
            raise self._error(error) from error

    # ------------------------------------------------------------------------------ within

    def _block(self, number: int) -> tuple[int, pa.RecordBatch]:
        """A block's layout and rows."""
        ((content, content_bytes, crc32, layout),) = self._query(
            "SELECT content, content_bytes, crc32, layout FROM blocks WHERE number = ?", number
        )
        if layout not in LAYOUTS:
            raise self._error(ValueError(f"block {number} has columns of layout {layout}"))
        try:
            return layout, unpacked(content, content_bytes, crc32, LAYOUTS[layout])
        except ValueError as error:
            raise self._damaged(f"block {number}", [number], error, "the file") from error

    def _of_part(self, part: int, rows: Sequence[int], blocks: Sequence[int]) -> pa.RecordBatch:
        try:
            return self._settled.rows(part, rows)
        except sqlite3.Error as error:
            raise self._error(error) from error
        except ValueError as error:
            raise self._damaged(f"part {part}", blocks, error, "that file") from error

    def _damaged(
        self, what: str, blocks: Sequence[int], error: ValueError, file: str
    ) -> TeacherError:
        which = f"= {blocks[0]}" if len(blocks) == 1 else f"IN ({', '.join(map(str, blocks))})"
        return TeacherError(
            f"candidate store {self._path}, {what}: expected the completions that were written, "
            f"found it damaged ({error}); put a copy of {file} in its place, or `DELETE FROM "
            f"candidates WHERE block {which}` in the store, and run again: only those are drawn "
            f"anew"
        )

    def _first_form(self, rowids: Sequence[int]) -> pa.RecordBatch:
        query = f"SELECT {FIRST_FORM_COLUMNS} FROM candidates_1 WHERE rowid = ?"
        return first_form_rows([self._query(query, one)[0] for one in rowids])

    def _among(self, query: str, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """What a query finds for ids; `{}` in it stands for them."""
        return self._query(query.format(",".join("?" * len(ids))), *map(bytes.fromhex, ids))

    def _query(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._reader.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _raise_if_broken(self) -> None:
        if (error := self._writer.broken) is not None:
            raise self._error(error) from error

    def _error(self, error: Exception) -> TeacherError:
        return TeacherError(
            f"candidate store {self._path}: cannot be used ({error}); check that the disk has room "
            f"and that the file is a store of this version, then run again: committed candidates "
            f"are kept"
        )


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while batch := list(islice(rest, _IDS_PER_QUERY)):
        yield batch
