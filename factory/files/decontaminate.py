"""`decontaminate`: the rows of files without those that overlap with a benchmark.

What counts as an overlap is in `factory.overlap.benchmark_index`. Rows are streamed: in memory are
their ids, and what overlaps. A copy of the input, uncompressed, lies in the output's folder
meanwhile, so that the files are there whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from factory.errors import InputFileError
from factory.executor import HERE, Executor
from factory.files.decontaminate_output import Rows, write_output
from factory.files.decontaminate_rows import Compared, Task, compare_piece, save_index
from factory.files.dedupe_rows import BadRow
from factory.files.dedupe_scratch import joined_ids
from factory.files.output_folder import scratch_for_output
from factory.files.table_files import files_of, pieces_of
from factory.overlap.benchmark_index import BenchmarkIndex, Hit
from factory.parts import map_parts
from factory.shown.progress import progress

_SCRATCH: Final = ".decontaminate-"
_REMEDY: Final = "correct it, or leave such rows out with --skip-bad"


@dataclass(frozen=True)
class Decontaminated:
    """What became of the rows: `rows` were right, `contaminated` of them overlap with a benchmark,
    so many with each, and `bad` were left out."""

    rows: int
    contaminated: int
    benchmarks: dict[str, int]
    bad: int


def decontaminate(
    paths: Sequence[Path],
    out_dir: Path,
    index: BenchmarkIndex,
    *,
    id_column: str = "id",
    fields: Sequence[str] = ("text",),
    mark: bool = False,
    skip_bad: bool = False,
    executor: Executor = HERE,
) -> Decontaminated:
    """Write `kept.parquet` and `contaminated.parquet`; where rows are left out `bad_rows.jsonl`.

    Args:
        paths: JSONL, JSONL.gz or Parquet files, or folders of them.
        out_dir: Made if it is not there; what an earlier run wrote there is replaced at the end.
        fields: Columns of texts. The first must have a text in each row, of the others a row may
            have none, but not all rows of a file.
        mark: Keep all rows, and say in the column `contamination` what a row overlaps with.
        skip_bad: Leave wrong rows out and list them, instead of stopping at one.

    Raises:
        InputFileError: A file or, without `skip_bad`, a row is wrong; with file and row.
        Busy: Another run writes to the same folder.
        StorageFull: The disk has no room for the copy of the input, or for the result.
    """
    files = files_of(paths)
    with scratch_for_output(out_dir, files, name=_SCRATCH) as scratch:
        save_index(index, scratch / "index")
        tasks = [
            Task(piece, id_column, tuple(fields), scratch / "index", part, skip_bad)
            for number, piece in enumerate(one for file in files for one in pieces_of(file))
            for part in [scratch / f"{number:05d}.arrow"]
        ]
        rows = _joined(_compared(tasks, executor), (id_column, *fields), skip_bad=skip_bad)
        write_output(out_dir, rows, mark=mark)
    first = {row: hit.benchmark for row, _, hit in reversed(rows.hits)}
    return Decontaminated(
        rows=int(rows.live.sum()),
        contaminated=len(first),
        benchmarks=dict(sorted(Counter(first.values()).items())),
        bad=sum(one.rows for one in rows.bad),
    )


def _compared(tasks: Sequence[Task], executor: Executor) -> list[Compared]:
    """All pieces in order.

    Raises:
        InputFileError: The first row that is wrong, where none may be, or a column that no row of
            a file has.
    """
    found: dict[int, Compared] = {}
    done: list[Compared] = []
    size_mb = round(sum(task.piece.size_bytes for task in tasks) / 1e6)
    done_bytes = before = 0
    with progress("compare", size_mb, "MB") as bar:
        for place, piece in map_parts(compare_piece, tasks, executor=executor):
            found[place] = piece
            done_bytes += piece.piece.size_bytes
            bar.update(round(done_bytes / 1e6) - int(bar.n))
            while len(done) in found:
                one = found.pop(len(done))
                before = before if one.piece.before is None else one.piece.before
                if one.wrong and not tasks[0].all_wrong:
                    bad = _bad_rows(one, before)[0]
                    raise InputFileError(f"{bad.where()}: {bad.what}; {_REMEDY}")
                before += one.seen
                done.append(one)
    columns: dict[Path, set[str]] = {}
    for one in done:
        if len(one.numbers):
            columns.setdefault(one.piece.file, set()).update(one.columns)
    for file, names in columns.items():
        for name in tasks[0].fields:
            if name not in names:
                raise InputFileError(
                    f"{file}: expected a column `{name}`, found {sorted(names)}; name another one "
                    f"with --field"
                )
    return done


def _bad_rows(piece: Compared, before: int) -> list[BadRow]:
    return [
        BadRow(piece.piece.file, one.row and before + one.row, one.what, one.rows)
        for one in piece.wrong
    ]


def _joined(parts: Sequence[Compared], columns: tuple[str, ...], *, skip_bad: bool) -> Rows:
    bad: dict[BadRow, None] = {}  # a file without a column says so in each of its pieces
    hits: list[tuple[int, str, Hit]] = []
    places: list[tuple[Path, NDArray[np.int64]]] = []
    before = rows = 0
    for part in parts:
        before = before if part.piece.before is None else part.piece.before
        bad.update(dict.fromkeys(_bad_rows(part, before)))
        hits += [(rows + row, name, hit) for row, name, hit in part.hits]
        places.append((part.piece.file, part.numbers + before))
        before += part.seen
        rows += len(part.numbers)
    ids = joined_ids([pa.table({"id": part.ids}) for part in parts if len(part.ids)])
    live = pl.Series(ids).is_first_distinct().to_numpy() if len(ids) else np.zeros(0, np.bool_)
    starts = np.cumsum([0, *(len(numbers) for _, numbers in places)])

    def at(row: int) -> tuple[Path, int]:
        part = int(np.searchsorted(starts, row, side="right")) - 1
        return places[part][0], int(places[part][1][row - starts[part]])

    for row in np.flatnonzero(~live).tolist():
        first = at(ids.index(ids[row]).as_py())
        one = BadRow(
            *at(row),
            f"expected an id that no other row has, found {ids[row].as_py()!r} again, first in "
            f"{first[0]}, row {first[1]}",
        )
        if not skip_bad:
            raise InputFileError(f"{one.where()}: {one.what}; {_REMEDY}")
        bad[one] = None
    return Rows(
        columns=columns,
        batches=[stored for part in parts for stored in part.batches],
        ids=ids,
        live=live,
        hits=[one for one in hits if live[one[0]]],
        bad=list(bad),
    )
