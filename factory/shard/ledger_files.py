"""The ledger of a dataset, row by row: which graded candidates are no rows, and the clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import polars as pl
import pyarrow as pa

from factory.parts import iter_columns
from schemas.arrow import CLUSTER, DROPPED
from schemas.sample import Drop

_ORDER: Final = ["problem_id", "candidate_id"]
_FROM_SELECT: Final = ["candidate_id", "problem_id", "reason", "detail"]
_ROWS_AT_A_TIME: Final = 65536


def dropped_rows(samples_dir: Path, decided: pl.DataFrame) -> Iterator[pa.Table]:
    """Rows of `schemas.arrow.DROPPED` by (problem_id, candidate_id), a part at a time.

    Args:
        samples_dir: Artifact of select; what it dropped is sorted.
        decided: As `factory.shard.clusters.decide` gives it; what it drops is of the stage `shard`,
            its candidates are the uuids of samples.
    """
    own = _own(decided).sort(_ORDER)
    for table in iter_columns(samples_dir, "dropped", _FROM_SELECT):
        some = cast("pl.DataFrame", pl.from_arrow(table)).with_columns(stage=pl.lit("select"))
        if some.height:
            last = some.select(_ORDER).row(-1, named=True)
            at = _place(own, last)
            some = pl.concat([some.select(DROPPED.names), own[:at]]).sort(_ORDER)
            own = own[at:]
            yield _as_table(some, DROPPED)
    yield _as_table(own, DROPPED)


def cluster_rows(decided: pl.DataFrame) -> Iterator[pa.Table]:
    """Rows of `schemas.arrow.CLUSTER`: every sample that has a duplicate, clusters together."""
    found = decided.filter(pl.col("cluster_id").is_not_null()).select(
        "uuid", "problem_id", "cluster_id", "similarity", kept=pl.col("reason").is_null()
    )
    ordered = found.sort("cluster_id", pl.col("kept").not_(), "uuid")
    for some in ordered.iter_slices(_ROWS_AT_A_TIME):
        yield _as_table(some.select(CLUSTER.names), CLUSTER)


def _own(decided: pl.DataFrame) -> pl.DataFrame:
    kept = decided.filter(pl.col("cluster_id").is_not_null() & pl.col("reason").is_null())
    duplicate = pl.format(
        "{} stays of cluster {}; similarity {}",
        "stays",
        "cluster_id",
        pl.col("similarity").round(4),
    )
    contaminated = pl.col("reason") == Drop.CONTAMINATED_SAMPLE.value
    return (
        decided.filter(pl.col("reason").is_not_null())
        .join(kept.select("cluster_id", stays="uuid"), on="cluster_id", how="left")
        .select(
            pl.col("uuid").alias("candidate_id"),
            "problem_id",
            "reason",
            stage=pl.lit("shard"),
            detail=pl.when(contaminated).then("contamination").otherwise(duplicate),
        )
        .select(DROPPED.names)
    )


def _place(rows: pl.DataFrame, key: dict[str, str]) -> int:
    """How many rows, sorted, are not after a key."""
    problem, candidate = (pl.col(name) for name in _ORDER)
    before = (problem < key["problem_id"]) | (
        (problem == key["problem_id"]) & (candidate <= key["candidate_id"])
    )
    return int(rows.select(before.sum()).item())


def _as_table(rows: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    return rows.to_arrow().cast(schema)
