"""The files that dedupe writes, each there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.files.dedupe_rows import Rows
from factory.files.dedupe_scratch import load
from factory.files.kept_output import BAD_ROWS, KEPT, write_bad_rows, write_kept
from factory.files.table_columns import merged
from factory.overlap.clusters import Clusters
from factory.parts import sync_folder

CLUSTERS: Final = "clusters.parquet"


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
    repeated = [name for name in schema.names if name != rows.wanted.text]
    write_kept(file, schema, _staying(rows, kept), rows=len(kept), repeated=repeated)


def _staying(rows: Rows, kept: NDArray[np.bool_]) -> Iterator[tuple[int, pa.Table | None]]:
    begin = 0
    for stored in rows.batches:
        some = kept[begin : begin + stored.rows]
        begin += stored.rows
        table = load(stored) if some.any() else None
        if table is not None and not some.all():
            table = table.filter(pa.array(some))
        yield stored.rows, table


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
