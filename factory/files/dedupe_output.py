"""The files that dedupe writes, each there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.files.dedupe_rows import BadRow, Rows
from factory.files.dedupe_scratch import load
from factory.files.table_columns import fitted, merged
from factory.overlap.clusters import Clusters
from factory.parts import sync_folder
from factory.shown.progress import progress

KEPT: Final = "kept.parquet"
CLUSTERS: Final = "clusters.parquet"
BAD_ROWS: Final = "bad_rows.jsonl"
_GROUP_BYTES: Final = 64 << 20


def write_output(
    out_dir: Path,
    scratch: Path,
    rows: Rows,
    kept: NDArray[np.bool_],
    survivor: NDArray[np.int64],
    clusters: Clusters,
) -> None:
    """Write all files to `scratch`, a folder within `out_dir`, then put them in their places.

    Args:
        kept: Whether each row stays.
        survivor: The row of its cluster that stays; -1 where it is alone.
    """
    _write_kept(scratch / KEPT, rows, kept)
    _write_clusters(scratch / CLUSTERS, rows, kept, survivor, clusters)
    names = [KEPT, CLUSTERS]
    if rows.bad:
        write_bad_rows(scratch / BAD_ROWS, rows.bad)
        names.append(BAD_ROWS)
    for name in names:
        with open(scratch / name, "rb+") as written:
            os.fsync(written.fileno())
    for name in names:
        (scratch / name).replace(out_dir / name)
    if not rows.bad:
        (out_dir / BAD_ROWS).unlink(missing_ok=True)
    sync_folder(out_dir)


def _write_kept(file: Path, rows: Rows, kept: NDArray[np.bool_]) -> None:
    schema = merged([stored.schema for stored in rows.batches], [rows.wanted.id, rows.wanted.text])
    # The texts come once each, so a dictionary of them would be made in vain.
    repeated: Any = [name for name in schema.names if name != rows.wanted.text]
    with (
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeated) as writer,
        progress("write", len(kept), "rows") as bar,
    ):
        begin = 0
        waiting: list[pa.Table] = []
        for stored in rows.batches:
            some = kept[begin : begin + stored.rows]
            begin += stored.rows
            if some.any():
                table = load(stored)
                table = table if some.all() else table.filter(pa.array(some))
                waiting.append(fitted(table, schema))
            if sum(table.nbytes for table in waiting) >= _GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
            bar.update(stored.rows)
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def _write_clusters(
    file: Path,
    rows: Rows,
    kept: NDArray[np.bool_],
    survivor: NDArray[np.int64],
    clusters: Clusters,
) -> None:
    alone = pa.array(survivor < 0)
    names = rows.ids.cast(pa.string()).take(pa.array(survivor, mask=survivor < 0))
    table = pa.table(
        {
            "id": rows.ids,
            "cluster_id": names,
            "kept": kept,
            "similarity": pa.array(clusters.similarity, mask=np.asarray(alone)),
        }
    )
    pq.write_table(table.filter(pa.array(rows.live)), file, compression="zstd")


def write_bad_rows(file: Path, bad: Sequence[BadRow]) -> None:
    """Write a line for each row, or run of rows, that was left out: file, row and what is wrong."""
    with open(file, "w", encoding="utf-8") as lines:
        for one in bad:
            line = {"file": str(one.file), "row": one.row, "what": one.what}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
