"""samples -> dataset: exact dedupe, Parquet shards, the card and `dataset.json`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from factory.digest import digest, file_sha256
from factory.ledger import entry, reconcile
from factory.parts import as_table, read_manifest, write_atomically
from factory.progress import progress
from factory.shard.card import Facts, render_card
from factory.shard.description import Description
from factory.shard.layout import (
    CARD,
    DATA,
    DATASET,
    kept_shard,
    remove_strays,
    shard_name,
    shard_sizes,
    write_shard,
)
from factory.shard.rows import ContentDigest, index_samples, rows_in_order
from schemas.arrow import SAMPLE
from schemas.machine import Machine
from schemas.manifest import Manifest, PartFile, StageResult
from schemas.recipe import Generate, Shard
from schemas.sample import Drop


def build_shards(
    samples_dir: Path,
    shard: Shard,
    *,
    recipe_name: str,
    upstream: Mapping[str, Path],
    machine: Machine,
    out_dir: Path,
    key: str,
    generate: Generate | None = None,
) -> StageResult:
    """The dataset's folder `out_dir/dataset`, ready to be published: shards, card, dataset.json.

    Rows are sorted by (problem_id, uuid). The digest in `dataset.json` is that of the rows'
    content: it stays the same whatever the size of parts and shards. Shards that are there and
    valid are kept.

    Args:
        samples_dir: Artifact of select.
        upstream: Finished artifacts that the dataset stands on, by a name that tells rounds
            apart: their keys and ledgers go into `dataset.json` and the card.
        generate: How the teacher was asked, for the card; None leaves it out.

    Raises:
        ManifestMismatch: An artifact is not whole, or a sample stands twice.
        LedgerMismatch: The stages do not add up; a dataset that cannot account for its rows is
            not built.
    """
    index = index_samples(samples_dir, dedupe=shard.dedupe != "none")
    kept = index.filter("kept")
    dropped = {Drop.EXACT_DUPLICATE.value: index.height - kept.height}
    own = entry("shard", index.height, kept.height, dropped)
    manifests = _manifests(samples_dir, upstream)
    funnel = reconcile([*(one.ledger for one in manifests.values()), own])

    folder = out_dir / "dataset"
    files, content = _write_rows(samples_dir, kept, shard, folder, key)
    description = Description(
        name=shard.name,
        version=shard.version,
        rows=kept.height,
        digest=content,
        files=files,
        columns=SAMPLE.names,
        recipe=recipe_name,
        upstream={name: one.key for name, one in sorted(manifests.items())},
        ledger=funnel,
    )
    facts = Facts(
        shard=shard,
        description=description,
        rows=kept,
        generate=generate,
        judge=next((m.figures["judge"] for m in manifests.values() if "judge" in m.figures), None),
    )
    card = render_card(facts)
    write_atomically(folder / CARD, card.encode())
    description = description.model_copy(update={"files": [*files, _file(folder, CARD, 0)]})
    write_atomically(folder / DATASET, (description.model_dump_json(indent=2) + "\n").encode())
    remove_strays(folder, {DATA, CARD, DATASET})
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
    samples_dir: Path, kept: pl.DataFrame, shard: Shard, folder: Path, key: str
) -> tuple[list[PartFile], str]:
    """The shards' files and the digest of all rows."""
    sizes = shard_sizes(kept["bytes"], shard.shard_bytes)
    data = folder / DATA
    data.mkdir(parents=True, exist_ok=True)
    names = [shard_name(number, len(sizes)) for number in range(len(sizes))]
    content = ContentDigest()
    rows = rows_in_order(samples_dir, kept)
    with progress("shard", kept.height, "rows") as bar:
        for name, size in zip(names, sizes, strict=True):
            some = list(islice(rows, size))
            for row in some:
                content.add(row)
            made_from = digest([key, name, [row["uuid"] for row in some]])
            if not kept_shard(data, name, made_from):
                write_shard(data, name, as_table(some, SAMPLE), made_from)
            bar.update(size)
    remove_strays(data, set(names))
    files = [_file(folder, f"{DATA}/{name}", size) for name, size in zip(names, sizes, strict=True)]
    return files, content.hexdigest()


def _file(folder: Path, path: str, rows: int) -> PartFile:
    file = folder / path
    return PartFile(path=path, rows=rows, bytes=file.stat().st_size, sha256=file_sha256(file))


def _figures(description: Description, index: pl.DataFrame) -> dict[str, Any]:
    kept = index.filter("kept")
    return {
        "digest": description.digest,
        "rows": description.rows,
        "shards": len(description.files) - 1,
        "clusters": index["dedup_cluster_id"].n_unique() - index["dedup_cluster_id"].has_nulls(),
        "rows_by_domain": dict(kept.group_by("domain").len().sort("domain").iter_rows()),
    }
