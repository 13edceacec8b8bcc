"""`dedupe`: near duplicates among the rows of files, each cluster reduced to one row.

Near is as `factory.overlap.near` has it. Texts that are equal in Unicode's form NFC with white
space made equal have equal sets of runs, so exact duplicates are near ones with similarity 1.0;
texts without a word are duplicates of each other. Texts are streamed: in memory are only the keys
of the bands (8 bytes per band and row), ids and lengths. The passes: read, check and sign; compare
the candidates; write. A copy of the input, uncompressed, lies in the output's folder meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.executor import HERE, Executor
from factory.files.dedupe_output import write_output
from factory.files.dedupe_rows import Rows, signed_rows
from factory.files.dedupe_scratch import read_texts
from factory.files.output_folder import scratch_for_output
from factory.files.table_files import Wanted, files_of
from factory.overlap.near import Clusters, Pairs, find_clusters
from factory.shown.progress import progress
from schemas.shard_settings import NearDuplicates

Keep = Literal["first", "shortest", "longest"]

_SCRATCH: Final = ".dedupe-"


@dataclass(frozen=True)
class Deduped:
    """What became of the rows: `rows` were right, `kept` of them stay, `clusters` have more than
    one row, `bad` were left out."""

    rows: int
    kept: int
    clusters: int
    bad: int


def dedupe(
    paths: Sequence[Path],
    out_dir: Path,
    *,
    id_column: str = "id",
    text_column: str = "text",
    near: NearDuplicates | None = None,
    keep: Keep = "first",
    skip_bad: bool = False,
    executor: Executor = HERE,
) -> Deduped:
    """Write `kept.parquet` and `clusters.parquet`, and where rows were left out `bad_rows.jsonl`.

    Args:
        paths: JSONL, JSONL.gz or Parquet files, or folders of them.
        out_dir: Made if it is not there; what an earlier run wrote there is replaced at the end.
        keep: Which row of a cluster stays; of equally long ones the first.
        skip_bad: Leave wrong rows out and list them, instead of stopping at one.

    Raises:
        InputFileError: A file or, without `skip_bad`, a row is wrong, with file and row; or the
            output's folder cannot be one.
        Busy: Another run writes to the same folder.
        StorageFull: The disk has no room for the copy of the input, or for the result.
    """
    near = near or NearDuplicates()
    wanted = Wanted(id_column, text_column)
    files = files_of(paths)
    with scratch_for_output(out_dir, files, name=_SCRATCH) as scratch:
        rows = signed_rows(files, wanted, near, scratch, skip_bad=skip_bad, executor=executor)
        clusters = _clusters(rows, wanted, near, scratch)
        survivor = _survivors(clusters.label, rows.chars, keep)
        kept = rows.live & ((survivor < 0) | (survivor == np.arange(len(survivor))))
        write_output(out_dir, scratch, rows, kept, survivor, clusters)
    return Deduped(
        rows=int(rows.live.sum()),
        kept=int(kept.sum()),
        clusters=len(np.unique(clusters.label[clusters.label >= 0])),
        bad=sum(one.rows for one in rows.bad),
    )


def _clusters(rows: Rows, wanted: Wanted, near: NearDuplicates, scratch: Path) -> Clusters:
    """The clusters of live rows; texts without a word make one."""
    nothing = np.zeros(0, np.int64)
    wordless = np.flatnonzero(rows.live & ~rows.bands.any(axis=1))
    rows.bands[~rows.live] = 0

    def read(some: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
        with progress("read candidates", len(some), "rows") as bar:
            for numbers, texts in read_texts(rows.batches, wanted.text, some):
                yield numbers, texts
                bar.update(len(numbers))

    clusters = find_clusters(
        rows.bands,
        groups=np.full(len(rows.bands), -1, np.int64),
        found=Pairs(nothing, nothing, np.zeros(0)),
        near=near,
        read=read,
        scratch=scratch,
    )
    if len(wordless) > 1:
        clusters.label[wordless] = wordless[0]
        clusters.similarity[wordless] = 1.0
    return clusters


def _survivors(label: NDArray[np.int64], chars: NDArray[np.int64], keep: Keep) -> NDArray[np.int64]:
    """For each row the row of its cluster that stays, the first of equally good ones; -1 where it
    is alone."""
    merit = {"first": np.zeros_like(chars), "shortest": chars, "longest": -chars}[keep]
    members = np.flatnonzero(label >= 0)
    order = members[np.lexsort((members, merit[members], label[members]))]
    labels, first = np.unique(label[order], return_index=True)
    survivor = np.full(len(label), -1, np.int64)
    survivor[members] = order[first][np.searchsorted(labels, label[members])]
    return survivor
