"""A small finished artifact of select, written by hand for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.digest import canonical_json
from factory.shard.stage import build_shards
from schemas.arrow import SAMPLE
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName
from schemas.recipe import (
    Collect,
    FileSource,
    Generate,
    ImportFile,
    ImportTeacher,
    Recipe,
    Shard,
)
from schemas.sample import Sample
from tests.unit.select.graded_artifacts import write_artifact


def sample(number: int, completion: str | None = None, **fields: Any) -> Sample:
    text = f"<think>\nstep {number}\n</think>\n\n{number}" if completion is None else completion
    defaults: dict[str, Any] = {
        "uuid": f"{number:032x}",
        "problem_id": f"p-{number // 3:03d}",
        "source": "unit",
        "domain": "math",
        "category": "",
        "problem": f"How many is {number}?",
        "answer": str(number),
        "messages": [
            {"role": "user", "content": "How many is it?"},
            {"role": "assistant", "content": text},
        ],
        "generation_model": "unit-teacher@abc",
        "finish_reason": "stop",
        "num_tokens": number,
        "pass_rate": (number % 5) / 4,
        "num_generations": 4,
        "verification_info": canonical_json(
            {"grader": "math", "method": "string", "extracted": str(number)}
        ),
        "form": "completion",
        "made_of": [f"{number:032x}"],
        "dedup_cluster_id": None,
        "contamination": None,
        "license": "MIT",
    }
    return Sample.model_validate(defaults | fields)


def write_samples(folder: Path, samples: Sequence[Sample], *, rows_per_part: int = 4096) -> Path:
    rows = [one.model_dump(mode="json") for one in samples]
    return write_artifact(folder, "select", "samples", rows, SAMPLE, rows_per_part=rows_per_part)


def unit_recipe(
    generate: Generate | None = None, version: str = "1.0.0", **settings: Any
) -> Recipe:
    """A recipe of imported generations; `settings` are those of `[shard]`."""
    imported = ImportTeacher(
        engine="import",
        model="unit-teacher",
        revision="abc",
        files=[ImportFile(source="unit", path="unit.jsonl")],
    )
    source = FileSource(
        name="unit",
        kind="file",
        path="unit.jsonl",
        license="MIT",
        domain=Domain.MATH,
        grader=GraderName.MATH,
    )
    return Recipe(
        name="unit",
        collect=Collect(sources=[source]),
        generate=generate or Generate(teacher=imported),
        shard=Shard(name="unit-set", version=version, **settings),
    )


def build(
    root: Path,
    samples: Sequence[Sample],
    *,
    rows_per_part: int = 4096,
    upstream: dict[str, Path] | None = None,
    workers: int = 1,
    **settings: Any,
) -> StageResult:
    folder = write_samples(root / "select", samples, rows_per_part=rows_per_part)
    return build_shards(
        folder,
        unit_recipe(**settings),
        upstream=upstream or {},
        machine=Machine(workers=workers),
        out_dir=root / "shard",
        key="k",
    )
