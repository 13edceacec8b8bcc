"""Local copies of datasets in the shapes that the hub has them in, a few rows each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory.collect.sources import iter_problems
from schemas.problem import Problem
from schemas.row_source_settings import HubSource, SftSource


def parquet_set(folder: Path, rows: list[dict[str, Any]], split: str = "train") -> None:
    """`data/SPLIT-00000-of-00001.parquet`, as most datasets have it."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / f"{split}-00000-of-00001.parquet")


def jsonl_set(folder: Path, rows: list[dict[str, Any]], split: str = "train") -> None:
    """`SPLIT.jsonl`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")


def hub(name: str, **fields: Any) -> HubSource:
    """A source that reads the local copy `${RETORT_DATA}/NAME`."""
    place = {"name": name, "dataset": f"${{RETORT_DATA}}/{name}", "revision": ""}
    defaults = {"license": "MIT", "domain": "math", "grader": "math"}
    return HubSource.model_validate({"kind": "hub", **place, **defaults, **fields})


def sft(name: str, **fields: Any) -> SftSource:
    """A source that passes the conversations of `${RETORT_DATA}/NAME` through."""
    place = {"name": name, "dataset": f"${{RETORT_DATA}}/{name}"}
    return SftSource.model_validate({"kind": "sft", "license": "MIT", **place, **fields})


def problems(source: HubSource | SftSource) -> list[Problem]:
    return list(iter_problems(source))
