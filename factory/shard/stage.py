"""samples -> dataset: decontamination, dedupe, Parquet shards, the ledger, card and `dataset.json`.

The texts are read twice, each time by several processes: once for the index, which decides what is
published, and once to write. Between them one small row per sample is held.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from factory.digest import digest
from factory.executor import executor_of
from factory.ledger import entry, reconcile
from factory.licences import check_row_licences
from factory.parts import read_manifest, write_atomically
from factory.reasons import without_reason
from factory.shard.card_facts import INDEX, Facts
from factory.shard.clusters import decide
from factory.shard.configs import DEFAULT, FOLDERS, PREFERENCE, PROBLEMS
from factory.shard.contamination import save_benchmarks
from factory.shard.content import digest_of_rows
from factory.shard.description import Description
from factory.shard.folder import SCHEMAS, described, write_config, write_ledger, write_words
from factory.shard.index import Looking, index_samples
from factory.shard.layout import DATA, DATASET, RECIPE, remove_strays
from factory.shard.pairs import pair_rows
from factory.shard.problems import problem_rows
from factory.shard.recipe import recipe_bytes, section_digests, suites_against
from factory.shard.samples import SCHEMAS as FROM_SAMPLES
from factory.shard.samples import write_samples
from factory.shard.spans import ordered_samples
from schemas import arrow
from schemas.machine import Machine
from schemas.manifest import LedgerEntry, Manifest, PartFile, StageResult
from schemas.recipe import Recipe

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex

CODE_VERSION: Final = 3
"""Of this stage; another one makes every dataset anew."""


def build_shards(
    samples_dir: Path,
    recipe: Recipe,
    *,
    upstream: Mapping[str, Path],
    templates: Mapping[str, str] | None = None,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """The dataset's folder `out_dir/dataset`, ready to be published.

    Rows are sorted by (problem_id, uuid). The digest in `dataset.json` is that of the rows'
    content: it stays the same whatever the size of parts and shards and the number of workers.
    What an interrupted try left whole is kept.

    Args:
        samples_dir: Artifact of select.
        recipe: As `factory.shard.recipe.dataset_recipe` gives it.
        upstream: Finished artifacts that the dataset stands on, by a name that tells rounds
            apart: their keys, ledgers and figures go into `dataset.json` and the card. That of
            collect is `collect`; the config `problems` needs it.
        templates: Model -> digest of its chat template, of those that Retort served; the models
            that wrote published rows go into `dataset.json`.

    Raises:
        ManifestMismatch: An artifact is not whole, or a sample stands twice.
        SchemaMismatch: A part has other columns or types.
        LedgerMismatch: The stages do not add up; a dataset that cannot account for its rows is
            not built.
        SourceError: A benchmark cannot be read.
        RecipeError: A benchmark is not there, or the licence of some rows forbids the use that the
            recipe names.
    """
    shard = recipe.shard
    executor = executor_of(machine)
    manifests = _manifests(samples_dir, upstream)
    made_from = digest([key, CODE_VERSION, recipe])
    work = out_dir / "work"
    benchmarks = _benchmarks(recipe, machine)

    samples = ordered_samples(samples_dir, work / "sorted")
    looking = Looking(
        near=shard.near if shard.dedupe == "near" else None,
        benchmarks=save_benchmarks(benchmarks, work) if benchmarks else None,
    )
    indexed = index_samples(
        samples,
        looking,
        folder=work / "index",
        made_from=digest([made_from, read_manifest(samples_dir).digest]),
        executor=executor,
    )
    decided = decide(samples, indexed, shard, work / "near")
    del indexed
    check_row_licences(without_reason(decided, "source", "license", "generation_model"), shard)
    own = _ledger(decided)
    funnel = reconcile([*(one.ledger for one in manifests.values()), own])

    folder = out_dir / "dataset"
    configs = [one for one in FOLDERS if one in {DEFAULT, *shard.configs}]
    named, rows = write_samples(
        samples,
        decided,
        configs=[one for one in configs if one in FROM_SAMPLES],
        shard_bytes=shard.shard_bytes,
        folder=folder,
        made_from=made_from,
        executor=executor,
    )
    strict = benchmarks if shard.contaminated == "drop" else None
    digests: dict[str, str] = {}
    if PREFERENCE in configs:
        published = without_reason(decided, "uuid")["uuid"]
        pairs = pair_rows(samples_dir, published, strict)
        named += write_config(PREFERENCE, pairs, folder, shard.shard_bytes, digests)
    if PROBLEMS in configs:
        problems = problem_rows(upstream["collect"], samples_dir, recipe.generate, strict)
        named += write_config(PROBLEMS, problems, folder, shard.shard_bytes, digests)
    named += write_ledger(samples_dir, decided, folder, shard.shard_bytes)
    write_atomically(folder / RECIPE, recipe_bytes(recipe))
    files = [described(folder, path, rows_of) for path, rows_of in [*named, (RECIPE, 0)]]
    description = Description(
        name=shard.name,
        version=shard.version,
        rows=own.rows_out,
        digest=digest_of_rows(rows),
        files=files,
        columns=arrow.SAMPLE.names,
        configs={one: _rows_of(files, one) for one in configs},
        digests=digests,
        templates=_templates(decided, templates or {}),
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
        recipe=recipe,
        description=description,
        index=decided.select(INDEX.names()),
        schemas={one: SCHEMAS[one] for one in configs},
        figures={name: one.figures for name, one in manifests.items()},
    )
    files = [*files, *write_words(facts, folder)]
    description = description.model_copy(update={"files": files})
    write_atomically(folder / DATASET, (description.model_dump_json(indent=2) + "\n").encode())
    remove_strays(folder, {DATASET, *(one.path.split("/")[0] for one in files)})
    shutil.rmtree(work, ignore_errors=True)
    return StageResult(
        parts=[
            one.model_copy(update={"path": f"{folder.name}/{one.path}"})
            for one in [*files, described(folder, DATASET)]
        ],
        ledger=own,
        figures=_figures(description, decided),
    )


def _manifests(samples_dir: Path, upstream: Mapping[str, Path]) -> dict[str, Manifest]:
    folders = dict(upstream)
    if samples_dir not in folders.values():
        folders["select"] = samples_dir
    return {name: read_manifest(folder) for name, folder in folders.items()}


def _benchmarks(recipe: Recipe, machine: Machine) -> BenchmarkIndex | None:
    """What samples are compared with; None where that is switched off or there is nothing."""
    suites = suites_against(recipe)
    named = recipe.collect.benchmarks if recipe.shard.decontaminate else []
    if not suites and not named:
        return None
    from factory.collect.benchmarks import load_index

    return load_index(named, suites, recipe.collect.overlap, recipe.grade, machine)


def _ledger(decided: pl.DataFrame) -> LedgerEntry:
    left = decided["reason"].drop_nulls()
    drops = dict(left.to_frame().group_by("reason").len().sort("reason").iter_rows())
    return entry("shard", decided.height, decided.height - len(left), drops)


def _templates(decided: pl.DataFrame, templates: Mapping[str, str]) -> dict[str, str]:
    published = without_reason(decided, "generation_model")["generation_model"].unique()
    return {model: templates[model] for model in sorted(published) if model in templates}


def _rows_of(files: Iterable[PartFile], config: str) -> int:
    return sum(one.rows for one in files if one.path.startswith(f"{FOLDERS[config]}/"))


def _figures(description: Description, decided: pl.DataFrame) -> dict[str, Any]:
    kept = without_reason(decided, "domain")
    clusters = decided["cluster_id"].drop_nulls()
    overlaps = decided["benchmark"].drop_nulls().to_frame()
    return {
        "digest": description.digest,
        "rows": description.rows,
        "shards": sum(one.path.startswith(f"{DATA}/") for one in description.files),
        "clusters": clusters.n_unique(),
        "rows_in_clusters": len(clusters),
        "overlaps": dict(overlaps.group_by("benchmark").len().sort("benchmark").iter_rows()),
        "rows_by_domain": dict(kept.group_by("domain").len().sort("domain").iter_rows()),
    }
