"""Whether every graded candidate is accounted for, and every cluster of duplicates has one row.

By the files below `ledger/` alone, lazily: the ids of all candidates are counted, never held as
objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from factory.dataset.checks import MOST_NAMED, Check, Fault, some
from factory.shard.configs import DEFAULT, FOLDERS
from factory.shard.description import Description
from factory.shard.layout import DATASET
from schemas.sample import Drop

DROPPED_FILES: Final = "ledger/dropped-"
CLUSTER_FILES: Final = "ledger/clusters-"
_DUPLICATES: Final = [Drop.EXACT_DUPLICATE.value, Drop.NEAR_DUPLICATE.value]
_STAGES: Final = ("select", "shard")
"""Stages whose drops are written row by row."""


def scan(folder: Path, description: Description, begins: str) -> pl.LazyFrame | None:
    """The rows of all files whose path begins so; None where there are none."""
    paths = [folder / one.path for one in description.files if one.path.startswith(begins)]
    return pl.scan_parquet(paths) if paths else None


def samples(folder: Path, description: Description) -> pl.LazyFrame:
    """The rows of the default config."""
    found = scan(folder, description, f"{FOLDERS[DEFAULT]}/")
    assert found is not None
    return found


def check_ledger(folder: Path, description: Description) -> Check:
    """Rows and drops are the graded candidates, each once, and the counts are those that
    `dataset.json` says."""
    faults: list[Fault] = []
    graded = next((one.rows_out for one in description.ledger if one.stage == "grade"), None)
    dropped = scan(folder, description, DROPPED_FILES)
    if dropped is None:
        expected = f"files {DROPPED_FILES}*.parquet"
        faults.append(Fault(file=DATASET, expected=expected, found="none"))
        return Check(name="ledger", looked_at="nothing", faults=faults)
    counts = _counts(dropped)
    said = {
        (one.stage, reason): count
        for one in description.ledger
        if one.stage in _STAGES
        for reason, count in one.drops.items()
    }
    for key in sorted({*counts, *said}):
        if counts.get(key, 0) != said.get(key, 0):
            stage, reason = key
            faults.append(
                Fault(
                    file=f"{DROPPED_FILES}*.parquet",
                    expected=f"{said.get(key, 0):,} rows of {stage}: {reason}, as {DATASET} says",
                    found=f"{counts.get(key, 0):,}",
                )
            )
    total = sum(counts.values())
    if graded is not None and total + description.rows != graded:
        faults.append(
            Fault(
                file=DATASET,
                expected=f"{graded:,} graded candidates",
                found=f"{description.rows:,} rows and {total:,} dropped",
            )
        )
    faults += _each_once(samples(folder, description), dropped)
    looked_at = f"{description.rows:,} rows and {total:,} dropped candidates"
    if graded is not None:
        looked_at += f" are the {graded:,} graded ones"
    return Check(name="ledger", looked_at=looked_at, faults=faults)


def _counts(dropped: pl.LazyFrame) -> dict[tuple[str, str], int]:
    grouped = dropped.group_by("stage", "reason").len().collect(engine="streaming")
    return {(stage, reason): count for stage, reason, count in grouped.iter_rows()}


def _each_once(rows: pl.LazyFrame, dropped: pl.LazyFrame) -> list[Fault]:
    """A candidate is the end of one row, or dropped; the beginning of a journey is dropped too."""
    made_of = pl.col("made_of").list
    ends = rows.select(candidate_id=made_of.last())
    both = pl.concat([ends, dropped.select("candidate_id")])
    twice = (
        both.group_by("candidate_id")
        .len()
        .filter(pl.col("len") > 1)
        .select("candidate_id")
        .sort("candidate_id")
        .collect(engine="streaming")["candidate_id"]
    )
    begun = rows.select("uuid", candidate_id=made_of.head(made_of.len() - 1)).explode(
        "candidate_id", empty_as_null=True
    )
    merged = dropped.filter(pl.col("reason") == Drop.MERGED.value).select("candidate_id")
    open_ones = (
        begun.drop_nulls("candidate_id")
        .join(merged, on="candidate_id", how="anti")
        .select("uuid")
        .unique()
        .sort("uuid")
        .collect(engine="streaming")["uuid"]
    )
    faults: list[Fault] = []
    if twice.len():
        expected = "each candidate as one row or one drop"
        found = f"{some(_first(twice), twice.len())} more than once"
        faults.append(Fault(file=f"{DROPPED_FILES}*.parquet", expected=expected, found=found))
    if open_ones.len():
        expected = f"the candidates of each row dropped as {Drop.MERGED} but for its last"
        found = f"other for rows {some(_first(open_ones), open_ones.len())}"
        faults.append(Fault(file=f"{DROPPED_FILES}*.parquet", expected=expected, found=found))
    return faults


def _first(names: pl.Series) -> Sequence[str]:
    return names.head(MOST_NAMED).to_list()


def check_clusters(folder: Path, description: Description) -> Check:
    """Every cluster has exactly one kept row, which is in the dataset under the cluster's id; the
    others were dropped as duplicates."""
    clusters = scan(folder, description, CLUSTER_FILES)
    rows = samples(folder, description).select("uuid", "dedup_cluster_id")
    marked = rows.drop_nulls("dedup_cluster_id")
    if clusters is None:
        count = marked.select(pl.len()).collect(engine="streaming").item()
        faults: list[Fault] = []
        if count:
            found = f"none, and {count:,} rows with a cluster"
            expected = f"files {CLUSTER_FILES}*.parquet"
            faults.append(Fault(file=DATASET, expected=expected, found=found))
        return Check(name="clusters", looked_at="no clusters", faults=faults)
    table = clusters.select("uuid", "cluster_id", "kept").collect(engine="streaming")
    kept = table.filter("kept")
    per_cluster = table.group_by("cluster_id").agg(pl.col("kept").sum())
    wrong = per_cluster.filter(pl.col("kept") != 1)["cluster_id"].sort()
    faults = []

    def fault(names: pl.Series, expected: str, found: str) -> None:
        if names.len():
            told = f"{found} {some(_first(names), names.len())}"
            faults.append(Fault(file=f"{CLUSTER_FILES}*.parquet", expected=expected, found=told))

    fault(wrong, "one kept row in each cluster", "another number in")
    pairs = marked.collect(engine="streaming").rename({"dedup_cluster_id": "cluster_id"})
    fault(
        kept.join(pairs, on=["uuid", "cluster_id"], how="anti")["uuid"].sort(),
        "each kept row in data, with its cluster",
        "not there",
    )
    fault(
        pairs.join(kept, on=["uuid", "cluster_id"], how="anti")["uuid"].sort(),
        "each row of data with a cluster as the kept one",
        "not so",
    )
    dropped = scan(folder, description, DROPPED_FILES)
    if dropped is not None:
        duplicates = dropped.filter(pl.col("reason").is_in(_DUPLICATES)).select(
            pl.col("candidate_id").alias("uuid")
        )
        others = table.filter(~pl.col("kept")).select("uuid")
        counted = duplicates.select(pl.len()).collect(engine="streaming").item()
        if counted != others.height:
            faults.append(
                Fault(
                    file=f"{CLUSTER_FILES}*.parquet",
                    expected=f"{counted:,} rows that are not kept, as many as dropped duplicates",
                    found=f"{others.height:,}",
                )
            )
    looked_at = f"{per_cluster.height:,} clusters with {table.height:,} samples, one kept in each"
    return Check(name="clusters", looked_at=looked_at, faults=faults)
