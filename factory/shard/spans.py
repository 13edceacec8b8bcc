"""The samples as one sorted run of rows over many parts, and the spans that workers read of it.

A span is a range of rows of that order. Spans that are cut at problems let one worker see all
samples of a problem. The order is (problem_id, uuid), as select writes it; other parts are sorted
first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.errors import ManifestMismatch, SchemaMismatch
from factory.parts import iter_columns, iter_parts, part_name, parts_of, write_part
from schemas.arrow import SAMPLE

KIND: Final = "samples"
_HEAD_ROWS: Final = 256
_ORDER: Final = ("problem_id", "uuid")


@dataclass(frozen=True)
class Piece:
    """Rows `start` to `stop` of a part."""

    path: Path
    start: int
    stop: int
    rows: int
    """Of the whole part."""


@dataclass(frozen=True)
class Span:
    """Rows `start` to `stop` of the whole order, and where they are."""

    start: int
    stop: int
    pieces: list[Piece]


@dataclass(frozen=True)
class Samples:
    """All samples in their order."""

    parts: list[tuple[Path, int]]
    """Part and its rows."""
    problems: NDArray[np.int64]
    """Number of each row's problem, from 0, in their order."""

    @property
    def rows(self) -> int:
        """How many samples there are."""
        return len(self.problems)

    def span(self, start: int, stop: int) -> Span:
        """A range of rows."""
        pieces: list[Piece] = []
        first = 0
        for path, rows in self.parts:
            begin, end = max(start - first, 0), min(stop - first, rows)
            if begin < end:
                pieces.append(Piece(path, begin, end, rows))
            first += rows
        return Span(start, stop, pieces)

    def by_problem(self) -> list[Span]:
        """About a part each, together all rows; no problem is in two of them."""
        if not self.rows:
            return []
        numbers = self.problems
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        ends = np.cumsum([rows for _, rows in self.parts])
        places = np.searchsorted(starts, ends)
        cuts = [int(starts[at]) if at < len(starts) else len(numbers) for at in places]
        spans = zip([0, *cuts], cuts, strict=False)
        return [self.span(start, stop) for start, stop in spans if start < stop]


def ordered_samples(samples_dir: Path, scratch: Path) -> Samples:
    """The samples of an artifact of select, sorted by (problem_id, uuid).

    Sorted ones, as select writes them, stay where they are; others are sorted in memory and
    written to `scratch`.

    Raises:
        ManifestMismatch: A part is not whole, or a uuid stands twice.
        SchemaMismatch: A part has other columns or types.
    """
    parts = [(samples_dir / part.path, part.rows) for part in parts_of(samples_dir, KIND)]
    for path, _ in parts:
        _check_schema(path)
    empty = pl.DataFrame(schema=dict.fromkeys(_ORDER, pl.String))
    tables = iter_columns(samples_dir, KIND, _ORDER)
    keys = pl.concat([empty, *(cast("pl.DataFrame", pl.from_arrow(one)) for one in tables)])
    if keys["uuid"].n_unique() < keys.height:
        twice = keys.filter(pl.col("uuid").is_duplicated())["uuid"].min()
        raise ManifestMismatch(
            f"{samples_dir}: sample {twice} stands more than once, expected every "
            f"uuid once; delete the folder and run again"
        )
    if _is_sorted(keys):
        return Samples([one for one in parts if one[1]], numbered(keys["problem_id"]))
    parts = _sort(samples_dir, [rows for _, rows in parts], scratch)
    return Samples(parts, numbered(keys["problem_id"].sort()))


def read_span(span: Span, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a span in their order, a part at a time.

    Raises:
        ManifestMismatch: A part cannot be read.
    """
    for piece in span.pieces:
        try:
            table = _read(piece, columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise ManifestMismatch(
                f"{piece.path}: cannot be read ({error}); delete the file and the manifest beside "
                f"it and run again, the other parts are kept"
            ) from error
        yield table.replace_schema_metadata(None)


def _read(piece: Piece, columns: Sequence[str] | None) -> pa.Table:
    with pq.ParquetFile(piece.path) as file:
        if piece.start or piece.stop > piece.rows // 2:
            return file.read(columns).slice(piece.start, piece.stop - piece.start)
        batches: list[pa.RecordBatch] = []
        missing = piece.stop
        for batch in file.iter_batches(_HEAD_ROWS, columns=columns):  # the rest stays unread
            batches.append(batch.slice(0, missing))
            missing -= batches[-1].num_rows
            if not missing:
                break
        return pa.Table.from_batches(batches)


def _check_schema(path: Path) -> None:
    try:
        found = pq.read_schema(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ManifestMismatch(
            f"{path}: cannot be read ({error}); delete the file and the manifest beside it and run "
            f"again, the other parts are kept"
        ) from error
    if not found.equals(SAMPLE):
        raise SchemaMismatch(f"{path}: expected columns {SAMPLE}, found {found}")


def _is_sorted(keys: pl.DataFrame) -> bool:
    problem, uuid = (pl.col(name) for name in _ORDER)
    later = (problem > problem.shift(1)) | ((problem == problem.shift(1)) & (uuid > uuid.shift(1)))
    return keys.height < 2 or bool(keys.select(later.slice(1).all()).item())


def _sort(samples_dir: Path, sizes: Sequence[int], scratch: Path) -> list[tuple[Path, int]]:
    whole = pa.concat_tables(iter_parts(samples_dir, KIND, SAMPLE))
    whole = whole.sort_by([(name, "ascending") for name in _ORDER])
    parts: list[tuple[Path, int]] = []
    start = 0
    for number, rows in enumerate(sizes):
        name = part_name(KIND, number)
        write_part(scratch, name, whole.slice(start, rows), made_from="sorted")
        parts.append((scratch / name, rows))
        start += rows
    return [one for one in parts if one[1]]


def numbered(problem_ids: pl.Series) -> NDArray[np.int64]:
    """Number of each row's problem, from 0, where the rows of one follow each other."""
    return problem_ids.ne_missing(problem_ids.shift(1)).cum_sum().cast(pl.Int64).to_numpy() - 1
