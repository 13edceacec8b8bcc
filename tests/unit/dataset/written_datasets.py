"""Small datasets in their layout, written by hand: rows, ledger, clusters, recipe, card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory.digest import file_sha256
from factory.parts import as_table
from factory.shard.configs import with_reasoning
from factory.shard.content import digest_of_rows, row_digests
from factory.shard.description import Description
from factory.shard.layout import CARD, DATASET, RECIPE, shard_name
from factory.shard.recipe import dataset_recipe, recipe_bytes, section_digests
from schemas.arrow import CLUSTER, DROPPED, SAMPLE
from schemas.manifest import LedgerEntry, PartFile
from schemas.recipe import Recipe
from schemas.sample import Sample
from tests.unit.shard.sample_artifacts import unit_recipe

_HEAD = """---
license: mit
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
- config_name: reasoning_content
  data_files:
  - split: train
    path: reasoning_content/train-*.parquet
---

"""
CODE = {"collect": 4, "generate": 2, "grade": 4, "select": 3, "shard": 2}


def dropped(
    candidate: int | str, reason: str, stage: str = "select", detail: str = "", problem: str = "p-0"
) -> dict[str, str]:
    name = candidate if isinstance(candidate, str) else f"{candidate:032x}"
    return {
        "candidate_id": name,
        "problem_id": problem,
        "stage": stage,
        "reason": reason,
        "detail": detail,
    }


def cluster(uuid: int, cluster_id: str, *, kept: bool) -> dict[str, Any]:
    return {
        "uuid": f"{uuid:032x}",
        "problem_id": "p-000",
        "cluster_id": cluster_id,
        "kept": kept,
        "similarity": 1.0,
    }


def write_dataset(
    folder: Path,
    samples: Sequence[Sample],
    *,
    drops: Sequence[dict[str, str]] = (),
    clusters: Sequence[dict[str, Any]] = (),
    recipe: Recipe | None = None,
    code: dict[str, int] | None = None,
    upstream: dict[str, str] | None = None,
    rows_per_shard: int = 4,
) -> Path:
    """The folder of a dataset that verifies: `recipe` names it and its version."""
    recipe = dataset_recipe(recipe or unit_recipe())
    ordered = sorted(samples, key=lambda one: (one.problem_id, one.uuid))
    table = as_table([one.model_dump(mode="json") for one in ordered], SAMPLE)
    files = _shards(folder, "data", table, rows_per_shard)
    files += _shards(folder, "reasoning_content", with_reasoning(table), rows_per_shard)
    for kind, rows, schema in (("dropped", drops, DROPPED), ("clusters", clusters, CLUSTER)):
        name = f"{kind}-00000-of-00001.parquet"
        files.append(write_table(folder, f"ledger/{name}", as_table(rows, schema)))
    digest = digest_of_rows(row_digests(table))
    files.append(_write(folder, RECIPE, recipe_bytes(recipe)))
    shard = recipe.shard
    files.append(_write(folder, CARD, f"{_HEAD}Version {shard.version}, {digest}\n".encode()))
    description = Description(
        name=shard.name,
        version=shard.version,
        rows=len(samples),
        digest=digest,
        files=files,
        columns=SAMPLE.names,
        configs=dict.fromkeys(("default", "reasoning_content"), len(samples)),
        recipe=recipe.name,
        sections=section_digests(recipe),
        code_versions=CODE | (code or {}),
        upstream={"collect": "c0", **(upstream or {})},
        ledger=_ledger(len(samples), drops),
    )
    write_description(folder, description)
    return folder


def write_description(folder: Path, description: Description) -> None:
    (folder / DATASET).write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")


def hashed_again(folder: Path, description: Description, path: str) -> Description:
    """The description with the file's new bytes, as somebody would write it who edits a dataset."""
    size = (folder / path).stat().st_size
    files = [
        one.model_copy(update={"bytes": size, "sha256": file_sha256(folder / path)})
        if one.path == path
        else one
        for one in description.files
    ]
    return description.model_copy(update={"files": files})


def _ledger(rows: int, drops: Sequence[dict[str, str]]) -> list[LedgerEntry]:
    counts: dict[str, dict[str, int]] = {"select": {}, "shard": {}}
    for one in drops:
        of_stage = counts[one["stage"]]
        of_stage[one["reason"]] = of_stage.get(one["reason"], 0) + 1
    selected = rows + sum(counts["shard"].values())
    graded = selected + sum(counts["select"].values())
    entries = [("generate", graded, graded), ("grade", graded, graded)]
    entries += [("select", graded, selected), ("shard", selected, rows)]
    return [
        LedgerEntry(stage=stage, rows_in=given, rows_out=out, drops=counts.get(stage, {}))
        for stage, given, out in entries
    ]


def _shards(folder: Path, place: str, table: pa.Table, size: int) -> list[PartFile]:
    starts = range(0, max(table.num_rows, 1), size)
    files: list[PartFile] = []
    for number, start in enumerate(starts):
        name = shard_name(number, len(starts))
        part = table.slice(start, size)
        files.append(write_table(folder, f"{place}/{name}", part))
    return files


def write_table(folder: Path, path: str, table: pa.Table) -> PartFile:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / path, compression="zstd")
    return _file(folder, path, table.num_rows)


def _write(folder: Path, name: str, content: bytes) -> PartFile:
    (folder / name).write_bytes(content)
    return _file(folder, name, 0)


def _file(folder: Path, path: str, rows: int) -> PartFile:
    size = (folder / path).stat().st_size
    return PartFile(path=path, rows=rows, bytes=size, sha256=file_sha256(folder / path))
