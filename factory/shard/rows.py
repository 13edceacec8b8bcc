"""The samples as shard sees them: a small index without texts, and the rows in dataset order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from factory.errors import ManifestMismatch
from factory.parts import iter_parts
from factory.shard.duplicates import conversation_digest, mark_duplicates
from schemas.arrow import SAMPLE

KIND: Final = "samples"

_INDEX: Final = pl.Schema(
    {
        "uuid": pl.String(),
        "problem_id": pl.String(),
        "source": pl.String(),
        "domain": pl.String(),
        "license": pl.String(),
        "generation_model": pl.String(),
        "pass_rate": pl.Float64(),
        "num_tokens": pl.Int64(),
        "grader": pl.String(),
        "method": pl.String(),
        "chars": pl.Int64(),
        "bytes": pl.Int64(),
        "conversation": pl.String(),
    }
)
_COPIED: Final = (
    "uuid",
    "problem_id",
    "source",
    "domain",
    "license",
    "generation_model",
    "pass_rate",
    "num_tokens",
)


def index_samples(samples_dir: Path, *, dedupe: bool) -> pl.DataFrame:
    """One small row per sample, sorted by (problem_id, uuid), with `kept` and `dedup_cluster_id`.

    `position` is the row's place in the parts.

    Args:
        dedupe: Keep one of the samples with equal normalised conversations; else keep all and look
            for no clusters.

    Raises:
        ManifestMismatch: A part is not whole, or a uuid stands twice.
        SchemaMismatch: A part has other columns or types.
    """
    frames = [
        pl.DataFrame([_index_row(row) for row in table.to_pylist()], schema=_INDEX)
        for table in iter_parts(samples_dir, KIND, SAMPLE)
    ]
    unsorted = pl.concat([_INDEX.to_frame(), *frames]).with_row_index("position")
    index = unsorted.sort("problem_id", "uuid")
    twice = index.filter(pl.col("uuid").is_duplicated())
    if twice.height:
        raise ManifestMismatch(
            f"{samples_dir}: sample {twice['uuid'].min()} stands more than once, expected every "
            f"uuid once; delete the folder and run again"
        )
    if dedupe:
        return mark_duplicates(index)
    alone = pl.lit(None, dtype=pl.String)
    return index.with_columns(kept=pl.lit(True), dedup_cluster_id=alone)


def _index_row(row: dict[str, Any]) -> dict[str, Any]:
    completion = row["messages"][-1]["content"]
    verified = json.loads(row["verification_info"])
    texts = [row["problem"], row["answer"], *(turn["content"] for turn in row["messages"])]
    return {
        **{name: row[name] for name in _COPIED},
        "grader": verified["grader"],
        "method": verified["method"],
        "chars": len(completion),
        "bytes": sum(len(text.encode("utf-8", "surrogatepass")) for text in texts),
        "conversation": conversation_digest(turn["content"] for turn in row["messages"]),
    }


def rows_in_order(samples_dir: Path, index: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The kept rows sorted by (problem_id, uuid), with their cluster ids.

    Samples that are sorted already, as select writes them, are read part by part; others are
    sorted in memory.
    """
    clusters = dict(index.filter("kept").select("uuid", "dedup_cluster_id").iter_rows())
    for table in _sorted_tables(samples_dir, index):
        for batch in table.to_batches(max_chunksize=1024):
            for row in batch.to_pylist():
                if row["uuid"] in clusters:
                    yield {**row, "dedup_cluster_id": clusters[row["uuid"]]}


def _sorted_tables(samples_dir: Path, index: pl.DataFrame) -> Iterable[pa.Table]:
    if index["position"].is_sorted():
        return iter_parts(samples_dir, KIND, SAMPLE)
    whole = pa.concat_tables(iter_parts(samples_dir, KIND, SAMPLE))
    return [whole.sort_by([("problem_id", "ascending"), ("uuid", "ascending")])]
