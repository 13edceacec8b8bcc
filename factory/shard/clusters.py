"""Which samples are published, and under which reason the others are left out.

Samples that overlap with a benchmark leave first, unless they are only marked. Of the others,
what is joined by pairs of exact or near duplicates, also in several steps, is a cluster; each
keeps exactly one row: the best by `shard.keep`, of equal ones that with the smallest uuid. A row
that leaves is an exact duplicate where a better row of its cluster has the same conversation
(`factory.shard.duplicates`), else a near one.

Near are two samples of one problem whose completions are (`factory.overlap.near`), and two samples
of two problems whose statements with their completions are: the same short answer to two questions
is no duplicate. Not covered: equal answers in other words.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from factory.overlap.mapped_bands import let_go
from factory.overlap.near import Clusters, Pairs, find_clusters
from factory.shard.index import CONVERSATION, Indexed
from factory.shard.spans import Samples, read_span
from factory.shard.texts import completions_of, join_texts
from schemas.sample import Drop
from schemas.shard_settings import Shard


def decide(samples: Samples, indexed: Indexed, shard: Shard, scratch: Path) -> pl.DataFrame:
    """The index with `reason` (null: published), `cluster_id` and `similarity`, same order.

    `cluster_id` is the smallest uuid of the cluster's rows, null where a row is alone;
    `similarity` the highest with another row of the cluster, 1.0 of exact duplicates.

    Args:
        scratch: A folder for what does not fit into memory.
    """
    rows = indexed.rows
    drop = shard.contaminated == "drop"
    contaminated = rows["contamination"].is_not_null().to_numpy() & drop
    clusters = _clusters(samples, indexed, contaminated, shard, scratch)
    found = (
        rows.select("uuid", *CONVERSATION, "chars")
        .with_row_index("row")
        .with_columns(label=pl.Series(clusters.label), similarity=pl.Series(clusters.similarity))
    )
    decided = _keep_one(found.filter(pl.col("label") >= 0), shard)
    hit = pl.when(pl.lit(pl.Series(contaminated))).then(pl.lit(Drop.CONTAMINATED_SAMPLE.value))
    beside = (
        found.select("row")
        .join(decided, on="row", how="left", maintain_order="left")
        .with_columns(reason=pl.coalesce(hit, "reason"))
        .drop("row")
    )
    return rows.hstack(beside)


def _keep_one(clustered: pl.DataFrame, shard: Shard) -> pl.DataFrame:
    """`row`, `reason`, `cluster_id`, `similarity` of the rows of clusters."""
    size = pl.col("chars") if shard.keep == "shortest" else -pl.col("chars")
    ranked = clustered.sort("label", size, "uuid").with_columns(
        rank=pl.int_range(pl.len()).over("label")
    )
    best = pl.col("rank") == 0
    equal = pl.col("rank") > pl.col("rank").min().over("label", *CONVERSATION)
    reason = pl.when(equal).then(pl.lit(Drop.EXACT_DUPLICATE.value))
    return ranked.select(
        "row",
        reason=pl.when(~best).then(reason.otherwise(pl.lit(Drop.NEAR_DUPLICATE.value))),
        cluster_id=pl.col("uuid").min().over("label"),
        similarity="similarity",
    )


def _clusters(
    samples: Samples, indexed: Indexed, left_out: NDArray[np.bool_], shard: Shard, scratch: Path
) -> Clusters:
    """The clusters of the rows that are not left out; labels are numbers of rows."""
    count = indexed.rows.height
    if shard.dedupe == "none":
        return Clusters(np.full(count, -1), np.full(count, np.nan))
    exact = _equal_ones(indexed.rows, left_out)
    if shard.dedupe == "exact":
        labels = np.full(count, -1)
        for name in ("first", "second"):
            labels[exact[name].to_numpy()] = exact["first"].to_numpy()
        return Clusters(labels, np.where(labels < 0, np.nan, 1.0))
    if indexed.bands.size:
        indexed.bands[left_out] = 0
        let_go(indexed.bands)

    def read(rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
        start = 0
        for texts in _texts(samples, rows):
            yield rows[start : start + len(texts)], texts
            start += len(texts)

    return find_clusters(
        indexed.bands,
        groups=samples.problems,
        found=_pairs(indexed, left_out, exact),
        near=shard.near,
        read=read,
        scratch=scratch,
    )


def _equal_ones(rows: pl.DataFrame, left_out: NDArray[np.bool_]) -> pl.DataFrame:
    """`first`, `second`: each row with the first one that has the same conversation."""
    numbers = rows[CONVERSATION[0]].to_numpy()
    order = np.argsort(numbers)
    equal = np.flatnonzero(numbers[order[1:]] == numbers[order[:-1]])
    perhaps = np.union1d(order[equal], order[equal + 1])
    perhaps = perhaps[~left_out[perhaps]]
    return (
        rows.select(pl.col(CONVERSATION).gather(perhaps))
        .with_columns(second=pl.Series(perhaps))
        .select(first=pl.col("second").min().over(CONVERSATION), second="second")
        .filter(pl.col("first") != pl.col("second"))
    )


def _pairs(indexed: Indexed, left_out: NDArray[np.bool_], exact: pl.DataFrame) -> Pairs:
    """The near pairs of one problem and all exact ones, of rows that are not left out."""
    first, second = (indexed.pairs[name].to_numpy() for name in ("first", "second"))
    both = ~(left_out[first] | left_out[second])
    return Pairs(
        np.concatenate([first[both], exact["first"].to_numpy()]),
        np.concatenate([second[both], exact["second"].to_numpy()]),
        np.concatenate([indexed.pairs["similarity"].to_numpy()[both], np.ones(exact.height)]),
    )


def _texts(samples: Samples, rows: NDArray[np.int64]) -> Iterator[pa.Array]:
    """Statement and completion of some rows (ascending), a part at a time."""
    first = 0
    for _, size in samples.parts:
        some = rows[(rows >= first) & (rows < first + size)] - first
        if len(some):
            span = samples.span(first, first + size)
            [table] = read_span(span, ["problem", "messages"])
            table = table.take(pa.array(some))
            yield join_texts(table["problem"], completions_of(table["messages"]))
        first += size
