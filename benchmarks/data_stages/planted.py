"""Whether what was planted was found, and what was found beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl
from made_texts.graded import Planted

SURE: Final = 0.85
"""Near duplicates this similar must be found."""
_DUPLICATES: Final = (Planted.NEAR_WITHIN, Planted.NEAR_ACROSS, Planted.EXACT)


def found_of_planted(folder: Path) -> dict[str, Any]:
    """Kind -> planted, found and recall; clusters, and drops that nobody planted."""
    planted = pl.read_parquet(folder / "planted-*.parquet")
    ledger = folder / "shard" / "dataset" / "ledger"
    dropped = pl.read_parquet(ledger / "dropped-*.parquet", columns=["candidate_id", "reason"])
    clusters = pl.read_parquet(
        ledger / "clusters-*.parquet", columns=["uuid", "cluster_id", "kept"]
    )
    gone = dropped.filter(~pl.col("reason").is_in(["near_duplicate", "exact_duplicate"]))
    figures = {
        kind.value: _dropped(planted, dropped, kind, reason)
        for kind, reason in (
            (Planted.MIXED, "mixed_language"),
            (Planted.LOOP, "repetition"),
            (Planted.CONTAMINATED, "contaminated_sample"),
        )
    }
    label = clusters.select("uuid", "cluster_id")
    for kind in _DUPLICATES:
        pairs = planted.filter((pl.col("kind") == kind) & (pl.col("similarity") >= SURE))
        for side in ("candidate_id", "of"):
            pairs = pairs.join(gone, left_on=side, right_on="candidate_id", how="anti")
        joined = pairs.join(label, left_on="candidate_id", right_on="uuid", how="left").join(
            label, left_on="of", right_on="uuid", how="left", suffix="_of"
        )
        hit = joined.filter(pl.col("cluster_id") == pl.col("cluster_id_of")).height
        figures[kind.value] = _figure(pairs.height, hit)
    per_cluster = clusters.group_by("cluster_id").agg(pl.col("kept").sum())
    known = planted.filter(pl.col("kind").is_in([one.value for one in _DUPLICATES]))
    ids = pl.concat([known["candidate_id"], known["of"]])
    others = clusters.join(ids.to_frame("uuid").unique(), on="uuid", how="anti")
    return {
        "planted": figures,
        "clusters": per_cluster.height,
        "clusters_with_one_survivor": per_cluster.filter(pl.col("kept") == 1).height,
        "rows_in_clusters_beside_planted": others.height,
        "contaminated_beside_planted": _beside(planted, dropped),
        "dropped": dict(dropped.group_by("reason").len().sort("reason").iter_rows()),
    }


def _dropped(
    planted: pl.DataFrame, dropped: pl.DataFrame, kind: Planted, reason: str
) -> dict[str, Any]:
    mine = planted.filter(pl.col("kind") == kind)
    hit = mine.join(dropped.filter(pl.col("reason") == reason), on="candidate_id", how="semi")
    return _figure(mine.height, hit.height)


def _beside(planted: pl.DataFrame, dropped: pl.DataFrame) -> int:
    mine = planted.filter(pl.col("kind") == Planted.CONTAMINATED)
    hits = dropped.filter(pl.col("reason") == "contaminated_sample")
    return hits.join(mine, on="candidate_id", how="anti").height


def _figure(planted: int, found: int) -> dict[str, Any]:
    return {"planted": planted, "found": found, "recall": found / planted if planted else None}
