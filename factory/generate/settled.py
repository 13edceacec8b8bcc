"""Settled blocks: completions whose texts stand in the parts of an artifact, and there alone.

A stage writes what it uses of the store as parts, so each text would stand on disk twice. Once all
of a block are in parts, the store names the parts' files a second time (hard links below
`<store>.parts/`, by their SHA-256), and the block keeps of each completion only in which part and
row it stands. The artifact may then go: the file stays as long as the store names it.

Blocks stay as they are where a part cannot be linked (another file system, or one without hard
links), and where some of their completions are in no part that this process wrote: of a part that a
stopped run left, nobody knows whether it is still as it was written.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.generate.blocks import PLACED, STORED, Block, packed_whole
from factory.generate.store_form import LAYOUT, PLACES
from factory.parts import sync_folder
from factory.shown.progress import say

_NOWHERE: Final = -1
_WORTH_PAGES: Final = 256
"""So many free pages (of 4 KiB) are given back."""


class Place(NamedTuple):
    """Where a completion stands."""

    block: int | None
    """None: it is a row of the first form."""
    at: int


class _Moving:
    """A block, some of whose completions were found in parts."""

    def __init__(self, rows: int) -> None:
        self.part: NDArray[np.int32] = np.full(rows, _NOWHERE, np.int32)
        self.row: NDArray[np.int32] = np.full(rows, _NOWHERE, np.int32)

    def add(self, at: NDArray[np.int64], part: int, row: NDArray[np.int64]) -> None:
        self.part[at], self.row[at] = part, row

    @property
    def whole(self) -> bool:
        return not np.any(self.part == _NOWHERE)

    def as_block(self) -> Block:
        columns = [pa.array(self.part), pa.array(self.row)]
        return packed_whole(pa.RecordBatch.from_arrays(columns, schema=PLACED))


class SettledParts:
    """The parts that a store names, and the blocks that move into them.

    Args:
        folder: Where the parts are named; made when the first one is.
        connection: To the store's file, used by one thread.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder, self._connection = folder, connection
        self._moving: dict[int, _Moving] = {}
        self._links = True
        self._read: tuple[int, pa.RecordBatch] | None = None

    def settle(self, path: Path, digest: str, places: Sequence[Place]) -> None:
        """Let a part hold the completions that stand at `places`, one for each of its rows.

        Raises:
            OSError, sqlite3.Error: It cannot be noted; everything stands where it stood.
        """
        rows = [(one.block, one.at, row) for row, one in enumerate(places) if one.block is not None]
        sizes = self._sizes({block for block, _, _ in rows}) if self._links else {}
        if not sizes or not self._linked(path, digest):
            return
        number = self._number(digest)
        block, at, row = np.array(sorted(rows), np.int64).T
        firsts = np.flatnonzero(np.diff(block, prepend=-1))
        done: list[int] = []
        for start, stop in zip(firsts, [*firsts[1:], len(block)], strict=True):
            one = int(block[start])
            if one in sizes:
                moving = self._moving.setdefault(one, _Moving(sizes[one]))
                moving.add(at[start:stop], number, row[start:stop])
                if moving.whole:
                    done.append(one)
        self._move(done)

    def rows(self, part: int, rows: Sequence[int]) -> pa.RecordBatch:
        """Some rows of a part, in the columns of `STORED`.

        Raises:
            ValueError: The file is not there or not as it was, with the path.
        """
        if self._read is None or self._read[0] != part:
            self._read = part, self._whole(part)
        return self._read[1].take(pa.array(rows, pa.int32()))

    def give_back(self) -> None:
        """Give the room of what has moved back to the file system, where it is worth it."""
        if self._pragma("auto_vacuum") == 0 or self._pragma("freelist_count") < _WORTH_PAGES:
            return
        # The whole list of free pages at once: page by page SQLite walks the list for each.
        for mode in ("FULL", "INCREMENTAL"):
            self._connection.execute(f"PRAGMA auto_vacuum = {mode}").fetchall()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    # ------------------------------------------------------------------------------ within

    def _sizes(self, blocks: set[int]) -> dict[int, int]:
        """Block -> its number of rows, of those that may move."""
        query = "SELECT rows FROM blocks WHERE number = ? AND layout = ? AND rows > 0"
        found = {one: self._connection.execute(query, (one, LAYOUT)).fetchone() for one in blocks}
        return {one: row[0] for one, row in found.items() if row is not None}

    def _linked(self, path: Path, digest: str) -> bool:
        self._folder.mkdir(exist_ok=True)
        name = self._path(digest)
        hidden = name.with_name(f".{name.name}.{os.getpid()}")
        try:
            os.link(path, hidden)
            hidden.replace(name)  # also of one that was damaged since; of itself it does nothing
            hidden.unlink(missing_ok=True)
        except OSError as error:
            self._links = False
            say(
                f"candidate store: texts are kept twice, {path} cannot be linked ({error.strerror})"
            )
            return False
        sync_folder(self._folder)
        return True

    def _number(self, digest: str) -> int:
        self._connection.execute(
            "INSERT INTO parts (sha256) VALUES (?) ON CONFLICT DO NOTHING", (digest,)
        )
        query = "SELECT number FROM parts WHERE sha256 = ?"
        return int(self._connection.execute(query, (digest,)).fetchone()[0])

    def _move(self, blocks: Sequence[int]) -> None:
        if not blocks:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for number in blocks:
                one = self._moving[number].as_block()
                self._connection.execute(
                    "UPDATE blocks SET layout = ?, content_bytes = ?, crc32 = ?, content = ? "
                    "WHERE number = ? AND layout = ?",
                    (PLACES, one.content_bytes, one.crc32, one.content, number, LAYOUT),
                )
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        for number in blocks:
            del self._moving[number]

    def _whole(self, part: int) -> pa.RecordBatch:
        query = "SELECT sha256 FROM parts WHERE number = ?"
        (digest,) = self._connection.execute(query, (part,)).fetchone()
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        if (found := sha256(content).hexdigest()) != digest:
            raise ValueError(f"{path}: its SHA-256 is {found}")
        table = pq.read_table(pa.BufferReader(content), columns=STORED.names)
        table = table.select(STORED.names).replace_schema_metadata(None).combine_chunks()
        [batch] = table.to_batches()
        return batch

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.parquet"

    def _pragma(self, name: str) -> Any:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]
