"""Where the facts of a student's card are taken from: the job, the dataset's folder, the base."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from factory.artifact import installed_versions
from factory.digest import folder_digest
from factory.errors import ManifestMismatch
from factory.licences import Family, teacher_license, without_revision
from factory.models import CARD, Model
from factory.recipe_file import ROOT
from factory.shard.description import read_description
from factory.shard.layout import RECIPE
from factory.train.card_facts import BaseFacts, CardFacts, DatasetFacts, LearnedFrom
from factory.train.dataset_rows import dataset_files
from factory.train.job import TrainingOutcome
from factory.train.prepare import Prepared
from factory.train.template import template_digest
from schemas.recipe import Recipe
from schemas.shard_settings import Shard
from schemas.train_settings import Student

_FAMILY: Final = ["source", "license", "generation_model"]
"""Columns of a dataset's rows."""
_TRAINED_WITH: Final = ("torch", "deepspeed", "transformers", "pyarrow")


def card_facts(prepared: Prepared, outcome: TrainingOutcome, *, recipe: str, key: str) -> CardFacts:
    """The facts of a finished training, without scores.

    Args:
        prepared: What was trained; its model is in `job.out/model`.
        outcome: What the training reported.
        recipe: The recipe's name.
        key: Of the stage.
    """
    job, train, tokenizer = prepared.job, prepared.train, prepared.renderer.tokenizer
    config = json.loads((job.out / "model" / "config.json").read_text(encoding="utf-8"))
    shard = _shard(prepared.dataset)
    return CardFacts(
        student=prepared.student.name,
        recipe=recipe,
        key=key,
        seed=job.seed,
        base=_base(prepared.student, prepared.base, shard),
        config=config,
        dataset=_dataset(prepared),
        learned_from=list(_learned_from(prepared.dataset, shard)),
        counts=prepared.counts,
        max_length_tokens=train.max_length_tokens,
        settings=train.model_dump(
            mode="json", exclude={"students"}, exclude_unset=bool(train.deepspeed)
        ),
        settings_of_student=prepared.student.model_dump(mode="json", exclude_none=True),
        deepspeed=_without_folders(job.deepspeed),
        precision=job.precision,
        zero_stage=job.zero_stage,
        offload=job.offload,
        outcome=outcome,
        device=_device(job.device),
        versions={name: one for name, one in installed_versions().items() if name in _TRAINED_WITH},
        template=template_digest(tokenizer.chat_template),
        templates_of_rows=dict(prepared.templates.digests),
        end_token=tokenizer.convert_ids_to_tokens(job.end_token_id),
    )


def _base(student: Student, base: Model, shard: Shard | None) -> BaseFacts:
    if not isinstance(student.base, str):
        return BaseFacts(name="", revision="", on_hub=False, license="")
    stated = shard.model_licenses.get(base.name, "") if shard else ""
    if base.is_local and not stated:
        stated = _license_of_card(Path(base.location) / CARD)
    return BaseFacts(
        name=base.name, revision=base.revision, on_hub=not base.is_local, license=stated
    )


def _license_of_card(card: Path) -> str:
    """The licence in the head of a model's card; empty where there is none."""
    from huggingface_hub import metadata_load

    if not card.is_file():
        return ""
    head = metadata_load(card) or {}
    found = head.get("license", "")
    return found if isinstance(found, str) and found != "other" else ""


def _dataset(prepared: Prepared) -> DatasetFacts:
    folder = prepared.dataset
    try:
        about = read_description(folder)
    except ManifestMismatch:
        return DatasetFacts(
            name=_shown(folder),
            version="",
            digest=folder_digest(folder / "data"),
            rows=prepared.counts.read,
        )
    return DatasetFacts(
        name=about.name, version=about.version, digest=about.digest, rows=about.rows
    )


def _shown(folder: Path) -> str:
    """Without this machine's folders."""
    whole = folder.resolve()
    return whole.relative_to(ROOT).as_posix() if whole.is_relative_to(ROOT) else whole.name


def _without_folders(value: Any) -> Any:
    """JSON in which each absolute path is its last part alone: where a log or a cache lies."""
    if isinstance(value, dict):
        return {name: _without_folders(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_folders(one) for one in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _shard(dataset: Path) -> Shard | None:
    """`[shard]` of the recipe that the dataset was made from, where it says so."""
    try:
        return Recipe.model_validate_json((dataset / RECIPE).read_bytes()).shard
    except (OSError, ValueError):  # another program's dataset, or an older one
        return None


def _learned_from(dataset: Path, shard: Shard | None) -> Iterator[LearnedFrom]:
    import polars as pl

    files = dataset_files(dataset)
    if any(set(_FAMILY) - set(pq.read_schema(file).names) for file in files):
        return
    named = pl.scan_parquet(files).select(pl.col(_FAMILY).fill_null("not stated"))
    rows = named.group_by(_FAMILY).len().collect()
    found: Counter[tuple[str, str, str]] = Counter()
    for source, license, model, count in rows.iter_rows():
        family = Family(source, license, without_revision(model))
        found[license, family.teacher, teacher_license(family, shard)] += count
    for (license, model, of_text), count in sorted(found.items()):
        yield LearnedFrom(license=license, model=model, model_license=of_text, rows=count)


def _device(kind: str) -> str:
    if kind == "cpu":
        return "CPU"
    import torch

    return torch.cuda.get_device_name()
