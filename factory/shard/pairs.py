"""The config `preference`: pairs of an accepted and a rejected answer whose sample is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from factory.parts import iter_parts
from factory.shard.texts import completions_of
from schemas.arrow import PREFERENCE

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex

_ROWS_AT_A_TIME = 4096


def pair_rows(
    samples_dir: Path, published: pl.Series, benchmarks: BenchmarkIndex | None
) -> Iterator[pa.Table]:
    """Rows of `schemas.arrow.PREFERENCE` in the order of select, some at a time.

    Args:
        samples_dir: Artifact of select.
        published: uuids of the rows of the default config.
        benchmarks: Pairs whose rejected answer overlaps with one are left out; None: none is.
    """
    wanted = published.implode()
    for part in iter_parts(samples_dir, "preference", PREFERENCE):
        for batch in part.to_batches(max_chunksize=_ROWS_AT_A_TIME):
            uuids = pl.Series(batch["uuid"])
            kept = uuids.to_frame("uuid").select(pl.col("uuid").is_in(wanted)).to_series()
            rows = pa.Table.from_batches([batch]).filter(kept.to_arrow())
            if benchmarks is not None:
                clean = [hit is None for hit in benchmarks.find(completions_of(rows["rejected"]))]
                rows = rows.filter(pa.array(np.array(clean, dtype=bool)))
            yield rows
