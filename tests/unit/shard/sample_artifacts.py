"""A small finished artifact of select, written by hand for the tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from factory.digest import canonical_json
from factory.ledger import entry
from factory.parts import part_name, parts_digest, read_manifest, write_manifest, write_part
from factory.shard.stage import build_shards
from schemas.arrow import SAMPLE
from schemas.collect_settings import Benchmark, Collect
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName
from schemas.recipe import Recipe
from schemas.row_source_settings import FileSource
from schemas.sample import Sample
from schemas.shard_settings import Shard
from schemas.teacher_settings import ImportFile, ImportTeacher
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


def write_samples(
    folder: Path,
    samples: Sequence[Sample],
    *,
    rows_per_part: int = 4096,
    beside: Mapping[str, pa.Table] | None = None,
) -> Path:
    """The artifact; `beside` are further parts of it by their kind, counted as dropped where they
    are `dropped`."""
    rows = [one.model_dump(mode="json") for one in samples]
    write_artifact(folder, "select", "samples", rows, SAMPLE, rows_per_part=rows_per_part)
    manifest = read_manifest(folder)
    parts, drops = list(manifest.parts), dict[str, int]()
    for kind, table in (beside or {}).items():
        parts.append(write_part(folder, part_name(kind, 0), table, made_from="test"))
        if kind == "dropped":
            drops = dict(Counter(table["reason"].to_pylist()))
    ledger = entry("select", len(rows) + sum(drops.values()), len(rows), drops)
    made = {"parts": parts, "digest": parts_digest(parts), "ledger": ledger}
    write_manifest(folder, manifest.model_copy(update=made))
    return folder


def unit_recipe(
    generate: Generate | None = None,
    version: str = "1.0.0",
    benchmarks: Sequence[Benchmark] = (),
    **settings: Any,
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
        collect=Collect(sources=[source], benchmarks=list(benchmarks)),
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
    beside: Mapping[str, pa.Table] | None = None,
    **settings: Any,
) -> StageResult:
    folder = write_samples(root / "select", samples, rows_per_part=rows_per_part, beside=beside)
    return build_shards(
        folder,
        unit_recipe(**settings),
        upstream=upstream or {},
        machine=Machine(workers=workers),
        out_dir=root / "shard",
        key="k",
    )
