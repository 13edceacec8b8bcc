"""All rows of dedupe's input: read, checked, signed and stored, with those that are wrong named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from factory.errors import InputFileError
from factory.executor import Executor
from factory.files.dedupe_scratch import Signed, Stored, Task, joined_ids, sign_piece
from factory.files.table_columns import is_text
from factory.files.table_files import Piece, Wanted, pieces_of
from factory.parts import map_parts
from factory.shown.progress import progress
from schemas.shard_settings import NearDuplicates

_REMEDY: Final = "correct it, or leave such rows out with --skip-bad"


@dataclass(frozen=True)
class BadRow:
    """A row that is left out; `row` from 1, None: the whole file."""

    file: Path
    row: int | None
    what: str
    rows: int = 1
    """How many, from this one on."""

    def where(self) -> str:
        """The file, and the row."""
        return f"{self.file}" if self.row is None else f"{self.file}, row {self.row}"


@dataclass(frozen=True)
class Rows:
    """The rows of the input in order; those that are not `live` have an id that came before."""

    wanted: Wanted
    batches: list[Stored]
    bands: NDArray[np.uint64]
    ids: pa.Array
    chars: NDArray[np.int64]
    live: NDArray[np.bool_]
    bad: list[BadRow]


def signed_rows(
    files: Sequence[Path],
    wanted: Wanted,
    near: NearDuplicates,
    scratch: Path,
    *,
    skip_bad: bool,
    executor: Executor,
) -> Rows:
    """Read all files once.

    Raises:
        InputFileError: A file or a row is wrong and `skip_bad` is not set, or the ids are texts
            in one place and integers in another.
    """
    pieces = [piece for file in files for piece in pieces_of(file)]
    tasks = [
        Task(piece, wanted, near, scratch / f"{number:05d}.arrow", skip_bad)
        for number, piece in enumerate(pieces)
    ]
    found: dict[int, Signed] = {}
    size_mb = round(sum(piece.size_bytes for piece in pieces) / 1e6)
    done_bytes = 0
    with progress("read and sign", size_mb, "MB") as bar:
        for place, signed in map_parts(sign_piece, tasks, executor=executor):
            if signed.wrong and not skip_bad:
                bad = _bad_rows(signed, _rows_before(signed.piece))[0]
                raise InputFileError(f"{bad.where()}: {bad.what}; {_REMEDY}")
            found[place] = signed
            done_bytes += signed.piece.size_bytes
            bar.update(round(done_bytes / 1e6) - int(bar.n))
    return _joined([found.pop(place) for place in range(len(pieces))], wanted, skip_bad=skip_bad)


def _rows_before(piece: Piece) -> int:
    if piece.before is not None:
        return piece.before
    left, lines = piece.begin, 0
    with open(piece.file, "rb") as file:
        while block := file.read(min(left, 1 << 24)):
            lines += block.count(b"\n")
            left -= len(block)
    return lines


def _bad_rows(signed: Signed, before: int) -> list[BadRow]:
    return [
        BadRow(signed.piece.file, one.row and before + one.row, one.what, one.rows)
        for one in signed.wrong
    ]


def _joined(parts: Sequence[Signed], wanted: Wanted, *, skip_bad: bool) -> Rows:
    bad: dict[BadRow, None] = {}  # a file without a column says so in each of its pieces
    numbers: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    before = 0
    for signed in parts:
        before = before if signed.piece.before is None else signed.piece.before
        bad.update(dict.fromkeys(_bad_rows(signed, before)))
        numbers.append(signed.numbers + before)
        before += signed.seen
    ids = _ids(parts, wanted)
    row_numbers = np.concatenate(numbers)
    live = _first_of_each(ids)
    files = np.repeat(np.arange(len(parts)), [len(signed.numbers) for signed in parts])

    def at(row: int) -> tuple[Path, int]:
        return parts[files[row]].piece.file, int(row_numbers[row])

    for row in np.flatnonzero(~live).tolist():
        first = at(ids.index(ids[row]).as_py())
        what = (
            f"expected an id that no other row has, found {ids[row].as_py()!r} again, first in "
            f"{first[0]}, row {first[1]}"
        )
        one = BadRow(*at(row), what)
        if not skip_bad:
            raise InputFileError(f"{one.where()}: {one.what}; {_REMEDY}")
        bad[one] = None
    return Rows(
        wanted=wanted,
        batches=[stored for signed in parts for stored in signed.batches],
        bands=np.concatenate([signed.bands for signed in parts]),
        ids=ids,
        chars=np.concatenate([signed.chars for signed in parts]),
        live=live,
        bad=list(bad),
    )


def _ids(parts: Sequence[Signed], wanted: Wanted) -> pa.Array:
    filled = [signed for signed in parts if len(signed.ids)]
    for signed in filled:
        if is_text(signed.ids.type) != is_text(filled[0].ids.type):
            raise InputFileError(
                f"{signed.piece.file}: expected ids of one kind, found {signed.ids.type} in "
                f"`{wanted.id}` where {filled[0].piece.file} has {filled[0].ids.type}; make them "
                f"all texts or all integers"
            )
    return joined_ids([pa.table({"id": signed.ids}) for signed in filled])


def _first_of_each(ids: pa.Array) -> NDArray[np.bool_]:
    if not len(ids):
        return np.zeros(0, np.bool_)
    return pl.Series(ids).is_first_distinct().to_numpy()
