"""What dedupe keeps of its input between reading it once and writing it: signed, on disk.

Every piece of the input is read and checked once. Its right rows go to a scratch file as Arrow
batches, so later passes read neither JSON nor compressed pages again, and a file that changes
meanwhile changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factory.files.table_columns import fitted, merged
from factory.files.table_files import Piece, Wanted, Wrong, read_piece
from factory.overlap.near import sign
from schemas.shard_settings import NearDuplicates


@dataclass(frozen=True)
class Task:
    """One piece to sign."""

    piece: Piece
    wanted: Wanted
    near: NearDuplicates
    scratch: Path
    all_wrong: bool
    """Go on after a row that is wrong."""


@dataclass(frozen=True)
class Stored:
    """One batch in a scratch file."""

    file: Path
    offset_bytes: int
    rows: int
    schema: pa.Schema


@dataclass(frozen=True)
class Signed:
    """A piece that was read: its batches, and by row the band keys, ids, lengths and numbers."""

    piece: Piece
    batches: tuple[Stored, ...]
    bands: NDArray[np.uint64]
    ids: pa.Array
    chars: NDArray[np.int64]
    numbers: NDArray[np.int64]
    wrong: tuple[Wrong, ...]
    seen: int


def sign_piece(task: Task) -> Signed:
    """Read, check, sign and store one piece."""
    bands: list[NDArray[np.uint64]] = []
    ids: list[pa.Table] = []
    chars: list[NDArray[np.int64]] = []
    numbers: list[NDArray[np.int64]] = []
    stored: list[Stored] = []
    wrong: list[Wrong] = []
    seen = 0
    with pa.OSFile(str(task.scratch), "wb") as file:
        for batch in read_piece(task.piece, task.wanted):
            wrong += batch.wrong
            seen = batch.seen
            if batch.wrong and not task.all_wrong:
                break
            table = batch.table
            if task.wanted.text not in table.column_names:
                continue
            text = table[task.wanted.text]
            bands.append(sign(text, task.near))
            ids.append(table.select([task.wanted.id]))
            lengths = pc.call_function("utf8_length", [_plain(text)])
            chars.append(lengths.to_numpy().astype(np.int64))
            numbers.append(batch.rows)
            stored.append(Stored(task.scratch, file.tell(), table.num_rows, table.schema))
            with pa.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)
    return Signed(
        piece=task.piece,
        batches=tuple(stored),
        bands=np.concatenate([sign(pa.array([], pa.string()), task.near), *bands]),
        ids=joined_ids(ids),
        chars=np.concatenate([np.zeros(0, np.int64), *chars]),
        numbers=np.concatenate([np.zeros(0, np.int64), *numbers]),
        wrong=tuple(wrong),
        seen=seen,
    )


def joined_ids(tables: Sequence[pa.Table]) -> pa.Array:
    """The only column of these tables as one array; text where they are of several kinds."""
    schema = merged([table.schema for table in tables])
    if not len(schema):
        return pa.array([], pa.string())
    column = pa.concat_tables([fitted(table, schema) for table in tables]).column(0)
    return _plain(column).combine_chunks()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kinds = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string)
    return column if any(is_one(column.type) for is_one in kinds) else column.cast(pa.string())


def load(stored: Stored) -> pa.Table:
    """A batch as it was."""
    with pa.OSFile(str(stored.file)) as file:
        file.seek(stored.offset_bytes)
        return pa.ipc.open_stream(file).read_all()


def read_texts(
    batches: Sequence[Stored], text: str, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """The texts of some rows (ascending, numbered over all batches), batch by batch."""
    begin = 0
    for stored in batches:
        end = begin + stored.rows
        first, last = np.searchsorted(rows, [begin, end])
        if first < last:
            some = rows[first:last]
            column = load(stored)[text]
            yield some, column.take(pa.array(some - begin))
        begin = end
