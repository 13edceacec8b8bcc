"""What a dataset holds of one problem: its rows, their numbers, and which are duplicates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq
from pydantic import JsonValue

from factory.audit.artifacts import dataset_frames
from factory.shard.configs import DEFAULT, FOLDERS
from factory.shard.description import read_description

CLUSTER_FILES: Final = "ledger/clusters-"
Rows = list[dict[str, Any]]


def problem_rows(path: Path, problem_id: str, columns: Sequence[str] | None = None) -> Rows:
    """The rows of a problem in a Parquet file, which is read whole only where it has any."""
    wanted = [("problem_id", "=", problem_id)]
    if not pq.read_table(path, columns=["problem_id"], filters=wanted).num_rows:
        return []
    names = None if columns is None else list(columns)
    return pq.read_table(path, columns=names, filters=wanted).to_pylist()


def dataset_rows(
    dataset: Path, begins: str, problem_id: str, columns: Sequence[str] | None = None
) -> Rows:
    """The rows of a problem in the files of a dataset whose paths begin so."""
    rows: Rows = []
    for file in read_description(dataset).files:
        if file.path.startswith(begins):
            rows += problem_rows(dataset / file.path, problem_id, columns)
    return rows


def numbered_rows(
    dataset: Path, problem_id: str, columns: Sequence[str]
) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a problem with their numbers in the dataset, from 0."""
    found: list[tuple[int, dict[str, Any]]] = []
    before = 0
    for frame in dataset_frames(dataset, f"{FOLDERS[DEFAULT]}/", ["problem_id", *columns]):
        numbered = frame.with_row_index("row").filter(pl.col("problem_id") == problem_id)
        found += [(before + row["row"], row) for row in numbered.iter_rows(named=True)]
        before += frame.height
    return found


def published_rows(dataset: Path, problem_id: str) -> list[dict[str, JsonValue]]:
    """The rows of a problem as the dataset has them, without the texts that stand above."""
    columns = [
        "uuid",
        "form",
        "made_of",
        "num_tokens",
        "pass_rate",
        "num_generations",
        "verification_info",
        "dedup_cluster_id",
        "contamination",
        "license",
    ]
    rows = [
        {"row": number} | {name: row[name] for name in columns}
        for number, row in numbered_rows(dataset, problem_id, columns)
    ]
    return json.loads(json.dumps(rows))


def clusters_of(dataset: Path, problem_id: str) -> dict[str, str]:
    """Sample of a problem that has duplicates -> which, and how similar."""
    files = [one for one in read_description(dataset).files if one.path.startswith(CLUSTER_FILES)]
    mine = dataset_rows(dataset, CLUSTER_FILES, problem_id)
    if not mine:
        return {}
    wanted = {row["cluster_id"] for row in mine}
    others: dict[str, list[tuple[str, str, bool]]] = {}
    for file in files:
        frame = pl.scan_parquet(dataset / file.path).filter(pl.col("cluster_id").is_in(wanted))
        for uuid, problem, cluster, kept in (
            frame.select("uuid", "problem_id", "cluster_id", "kept").collect().iter_rows()
        ):
            others.setdefault(cluster, []).append((uuid, problem, kept))
    told: dict[str, str] = {}
    for row in mine:
        members = others[row["cluster_id"]]
        first = next((one for one in members if one[2]), members[0])
        similarity = f"similarity {row['similarity']:.3f}"
        if row["kept"]:
            told[row["uuid"]] = f"stands for {len(members) - 1} duplicates, {similarity}"
        else:
            place = "" if first[1] == problem_id else f" of problem {first[1]}"
            told[row["uuid"]] = f"duplicate of {first[0]}{place}, {similarity}"
    return told
