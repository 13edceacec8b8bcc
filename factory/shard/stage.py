"""samples -> dataset: exact dedupe, Parquet shards, the card and `dataset.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl

from factory.digest import digest, file_sha256
from factory.ledger import entry, reconcile
from factory.parts import as_table, read_manifest, write_atomically
from factory.progress import progress
from factory.shard.card import Facts, render_card
from factory.shard.configs import DEFAULT, FOLDERS, REASONING_CONTENT, with_reasoning
from factory.shard.content import digest_of_rows, row_digests
from factory.shard.description import Description
from factory.shard.layout import (
    CARD,
    DATA,
    DATASET,
    RECIPE,
    kept_shard,
    remove_strays,
    shard_name,
    shard_sizes,
    write_shard,
)
from factory.shard.recipe import recipe_bytes, section_digests
from factory.shard.rows import index_samples, rows_in_order
from schemas.arrow import SAMPLE
from schemas.machine import Machine
from schemas.manifest import Manifest, PartFile, StageResult
from schemas.recipe import Recipe, Shard
from schemas.sample import Drop

CODE_VERSION: Final = 2
"""Of this stage; another one makes every dataset anew."""


def build_shards(
    samples_dir: Path,
    recipe: Recipe,
    *,
    upstream: Mapping[str, Path],
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """The dataset's folder `out_dir/dataset`, ready to be published: shards, card, dataset.json.

    Rows are sorted by (problem_id, uuid). The digest in `dataset.json` is that of the rows'
    content: it stays the same whatever the size of parts and shards. Shards that are there and
    valid are kept.

    Args:
        samples_dir: Artifact of select.
        recipe: As `factory.shard.recipe.dataset_recipe` gives it.
        upstream: Finished artifacts that the dataset stands on, by a name that tells rounds
            apart: their keys and ledgers go into `dataset.json` and the card.

    Raises:
        ManifestMismatch: An artifact is not whole, or a sample stands twice.
        LedgerMismatch: The stages do not add up; a dataset that cannot account for its rows is
            not built.
    """
    shard = recipe.shard
    index = index_samples(samples_dir, dedupe=shard.dedupe != "none")
    kept = index.filter("kept")
    dropped = {Drop.EXACT_DUPLICATE.value: index.height - kept.height}
    own = entry("shard", index.height, kept.height, dropped)
    manifests = _manifests(samples_dir, upstream)
    funnel = reconcile([*(one.ledger for one in manifests.values()), own])

    folder = out_dir / "dataset"
    configs = [DEFAULT, *(one for one in shard.configs if one == REASONING_CONTENT)]
    files, content = _write_rows(samples_dir, kept, shard, folder, key, configs)
    write_atomically(folder / RECIPE, recipe_bytes(recipe))
    files.append(_file(folder, RECIPE, 0))
    description = Description(
        name=shard.name,
        version=shard.version,
        rows=kept.height,
        digest=content,
        files=files,
        columns=SAMPLE.names,
        configs=dict.fromkeys(configs, kept.height),
        recipe=recipe.name,
        sections=section_digests(recipe),
        code_versions={
            **{one.stage: one.code_version for one in manifests.values()},
            "shard": CODE_VERSION,
        },
        upstream={name: one.key for name, one in sorted(manifests.items())},
        ledger=funnel,
    )
    facts = Facts(
        shard=shard,
        description=description,
        rows=kept,
        generate=recipe.generate,
        judge=next((m.figures["judge"] for m in manifests.values() if "judge" in m.figures), None),
    )
    card = render_card(facts)
    write_atomically(folder / CARD, card.encode())
    description = description.model_copy(update={"files": [*files, _file(folder, CARD, 0)]})
    write_atomically(folder / DATASET, (description.model_dump_json(indent=2) + "\n").encode())
    remove_strays(folder, {*(FOLDERS[one] for one in configs), CARD, DATASET, RECIPE})
    return StageResult(
        parts=[
            one.model_copy(update={"path": f"{folder.name}/{one.path}"})
            for one in [*description.files, _file(folder, DATASET, 0)]
        ],
        ledger=own,
        figures=_figures(description, index),
    )


def _manifests(samples_dir: Path, upstream: Mapping[str, Path]) -> dict[str, Manifest]:
    folders = dict(upstream)
    if samples_dir not in folders.values():
        folders["select"] = samples_dir
    return {name: read_manifest(folder) for name, folder in folders.items()}


def _write_rows(
    samples_dir: Path,
    kept: pl.DataFrame,
    shard: Shard,
    folder: Path,
    key: str,
    configs: Sequence[str],
) -> tuple[list[PartFile], str]:
    """The shards' files of all configs and the digest of all rows of the default one."""
    sizes = shard_sizes(kept["bytes"], shard.shard_bytes)
    names = [shard_name(number, len(sizes)) for number in range(len(sizes))]
    digests: list[bytes] = []
    rows = rows_in_order(samples_dir, kept)
    with progress("shard", kept.height, "rows") as bar:
        for name, size in zip(names, sizes, strict=True):
            table = as_table(islice(rows, size), SAMPLE)
            digests += row_digests(table)
            made_from = digest([key, name, table["uuid"].to_pylist()])
            for config in configs:
                data = folder / FOLDERS[config]
                if not kept_shard(data, name, made_from):
                    shown = table if config == DEFAULT else with_reasoning(table)
                    write_shard(data, name, shown, made_from)
            bar.update(size)
    for config in configs:
        remove_strays(folder / FOLDERS[config], set(names))
    files = [
        _file(folder, f"{FOLDERS[config]}/{name}", size)
        for config in configs
        for name, size in zip(names, sizes, strict=True)
    ]
    return files, digest_of_rows(digests)


def _file(folder: Path, path: str, rows: int) -> PartFile:
    file = folder / path
    return PartFile(path=path, rows=rows, bytes=file.stat().st_size, sha256=file_sha256(file))


def _figures(description: Description, index: pl.DataFrame) -> dict[str, Any]:
    kept = index.filter("kept")
    return {
        "digest": description.digest,
        "rows": description.rows,
        "shards": sum(one.path.startswith(f"{DATA}/") for one in description.files),
        "clusters": index["dedup_cluster_id"].n_unique() - index["dedup_cluster_id"].has_nulls(),
        "rows_by_domain": dict(kept.group_by("domain").len().sort("domain").iter_rows()),
    }
