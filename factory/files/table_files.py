"""Tables of files that others wrote, batch by batch, with the rows that are wrong told apart.

JSONL, gzipped JSONL and Parquet are read in columns; only a batch with a wrong row is looked at
line by line. Values keep their types: texts that look like dates stay texts. A column whose values
have several types becomes text, in which what is no text is JSON (`merged`, `fitted`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.errors import InputFileError
from factory.files.row_files import SUFFIXES

_PIECE_BYTES: Final = 32 << 20


@dataclass(frozen=True)
class Wanted:
    """The columns that must be there: ids are texts or integers, texts are texts, none is null."""

    id: str
    text: str


@dataclass(frozen=True)
class Piece:
    """A run of lines, or of row groups, of one file: `begin` to `end`, bytes or groups.

    `before` is the number of rows before it; None where only reading what is before tells.
    """

    file: Path
    begin: int
    end: int
    size_bytes: int
    before: int | None


@dataclass(frozen=True)
class Wrong:
    """Why a row is left out; `row` from 1 within the piece, None: the whole file."""

    row: int | None
    what: str
    rows: int = 1
    """How many, from this one on."""


@dataclass(frozen=True)
class Batch:
    """Rows that are right, their numbers from 1 within the piece, and what was wrong beside them.

    `seen` is the number of rows (lines) of the piece up to the end of the batch.
    """

    table: pa.Table
    rows: NDArray[np.int64]
    wrong: tuple[Wrong, ...]
    seen: int


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant: a folder means all of it that can be read, by name.

    Raises:
        InputFileError: A path is not there, has another suffix, or is an empty folder.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.iterdir()
                if file.name.endswith(SUFFIXES) and not file.name.startswith(".")
            )
            if not inside:
                raise InputFileError(f"{path}: expected files that end with {SUFFIXES}, found none")
            files += inside
        elif not path.name.endswith(SUFFIXES):
            raise InputFileError(f"{path}: expected a file that ends with one of {SUFFIXES}")
        elif not path.is_file():
            raise InputFileError(f"{path}: expected a file or a folder, found none")
        else:
            files.append(path)
    return files


def pieces_of(file: Path) -> list[Piece]:
    """The pieces of a file, in order, each small enough for one worker's memory.

    A file that cannot be opened is one piece: reading it says what is wrong.
    """
    size = file.stat().st_size
    whole = [Piece(file, 0, size, size, 0)]
    if file.name.endswith(".gz"):
        return whole
    if file.suffix == ".parquet":
        return _group_pieces(file) or whole
    if not os.access(file, os.R_OK):
        return whole
    cuts = [0]
    with open(file, "rb") as lines:
        while size - cuts[-1] > 2 * _PIECE_BYTES:
            lines.seek(cuts[-1] + _PIECE_BYTES)
            lines.readline()
            if lines.tell() >= size:
                break
            cuts.append(lines.tell())
    return [
        Piece(file, begin, end, end - begin, None if begin else 0)
        for begin, end in zip(cuts, [*cuts[1:], size], strict=True)
    ]


def _group_pieces(file: Path) -> list[Piece]:
    try:
        footer = pq.read_metadata(file)
    except (OSError, pa.ArrowInvalid):
        return []
    pieces: list[Piece] = []
    begin, size, before, rows = 0, 0, 0, 0
    for group in range(footer.num_row_groups):
        size += footer.row_group(group).total_byte_size
        rows += footer.row_group(group).num_rows
        if size >= _PIECE_BYTES or group + 1 == footer.num_row_groups:
            pieces.append(Piece(file, begin, group + 1, size, before))
            begin, size, before = group + 1, 0, rows
    return pieces


def read_piece(piece: Piece, wanted: Wanted) -> Iterator[Batch]:
    """The rows of a piece, batch by batch; a fault of the file itself ends it with a `Wrong`."""
    from factory.files.line_tables import read_lines
    from factory.files.parquet_tables import read_groups

    if piece.file.suffix == ".parquet":
        return read_groups(piece, wanted)
    return read_lines(piece, wanted)
