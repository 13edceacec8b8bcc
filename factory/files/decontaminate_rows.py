"""The rows of decontaminate's input, piece by piece: read, checked, compared and stored."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.files.dedupe_scratch import Stored, joined_ids
from factory.files.table_columns import is_text
from factory.files.table_files import Batch, Piece, Wanted, Wrong, read_piece
from factory.overlap.benchmark_index import BenchmarkIndex, Hit


@dataclass(frozen=True)
class Task:
    """One piece to compare with the index that `index` holds; `fields` are columns of texts."""

    piece: Piece
    id: str
    fields: tuple[str, ...]
    index: Path
    scratch: Path
    all_wrong: bool
    """Go on after a row that is wrong."""


@dataclass(frozen=True)
class Compared:
    """A piece that was read: its batches, and by row the ids and numbers (from 1)."""

    piece: Piece
    batches: tuple[Stored, ...]
    ids: pa.Array
    numbers: NDArray[np.int64]
    hits: list[tuple[int, str, Hit]]
    """Place among these rows, field and overlap, in order."""
    wrong: tuple[Wrong, ...]
    seen: int
    columns: frozenset[str]
    """That any row has."""


@dataclass
class _Found:
    ids: list[pa.Table] = field(default_factory=list[pa.Table])
    numbers: list[NDArray[np.int64]] = field(default_factory=list[NDArray[np.int64]])
    stored: list[Stored] = field(default_factory=list[Stored])
    hits: list[tuple[int, str, Hit]] = field(default_factory=list[tuple[int, str, Hit]])
    wrong: list[Wrong] = field(default_factory=list[Wrong])
    columns: set[str] = field(default_factory=set[str])
    rows: int = 0
    seen: int = 0


def compare_piece(task: Task) -> Compared:
    """Read, check, compare and store one piece."""
    index = load_index(task.index)
    found = _Found()
    with pa.OSFile(str(task.scratch), "wb") as file:
        for batch in read_piece(task.piece, Wanted(task.id, task.fields[0])):
            batch = _with_texts(batch, task.fields[1:])
            found.wrong += batch.wrong
            found.seen = batch.seen
            if batch.wrong and not task.all_wrong:
                break
            table = batch.table
            if task.fields[0] not in table.column_names:
                continue
            found.columns.update(table.column_names)
            for name in task.fields:
                if name in table.column_names and is_text(table.schema.field(name).type):
                    hits = enumerate(index.find(table[name]), found.rows)
                    found.hits += [(row, name, hit) for row, hit in hits if hit is not None]
            found.ids.append(table.select([task.id]))
            found.numbers.append(batch.rows)
            found.stored.append(Stored(task.scratch, file.tell(), table.num_rows, table.schema))
            found.rows += table.num_rows
            with pa.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)
    order = {name: place for place, name in enumerate(task.fields)}
    return Compared(
        piece=task.piece,
        batches=tuple(found.stored),
        ids=joined_ids(found.ids),
        numbers=np.concatenate([np.zeros(0, np.int64), *found.numbers]),
        hits=sorted(found.hits, key=lambda one: (one[0], order[one[1]])),
        wrong=tuple(found.wrong),
        seen=found.seen,
        columns=frozenset(found.columns),
    )


def save_index(index: BenchmarkIndex, file: Path) -> None:
    """Write an index for the workers."""
    file.write_bytes(pickle.dumps(index, protocol=pickle.HIGHEST_PROTOCOL))


@lru_cache(maxsize=1)
def load_index(file: Path) -> BenchmarkIndex:
    """The index that `save_index` wrote; a worker reads it once."""
    return pickle.loads(file.read_bytes())


def _with_texts(batch: Batch, fields: tuple[str, ...]) -> Batch:
    """The batch without the rows that hold something else than a text or null in these columns."""
    wrong: dict[int, str] = {}
    for name in fields:
        if name in batch.table.column_names:
            for row, found in _faults(batch.table[name]).items():
                wrong.setdefault(row, f"expected a text or null in `{name}`, found {found}")
    if not wrong:
        return batch
    right = np.ones(batch.table.num_rows, dtype=np.bool_)
    right[list(wrong)] = False
    faults = [*batch.wrong, *(Wrong(int(batch.rows[row]), what) for row, what in wrong.items())]
    faults.sort(key=lambda one: one.row or 0)
    table = batch.table.filter(pa.array(right))
    return Batch(table, batch.rows[right], tuple(faults), batch.seen)


def _faults(column: pa.ChunkedArray) -> dict[int, str]:
    """Row -> what it holds, of those without text or null."""
    if pa.types.is_null(column.type):
        return {}
    if not is_text(column.type):
        there = np.flatnonzero(~np.asarray(column.is_null())).tolist()
        return {row: f"{column[row].as_py()!r:.80}" for row in there}
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return {row: "bytes that are not UTF-8" for row, one in enumerate(column) if _broken(one)}
    return {}


def _broken(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return True
    return False
