"""Facts of a small dataset, with real Parquet files where a test reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.digest import file_sha256
from factory.parts import as_table
from factory.shard.card_facts import INDEX, Facts
from factory.shard.configs import FOLDERS, REASONING, with_reasoning
from factory.shard.description import Description
from factory.shard.layout import shard_name
from schemas.arrow import MESSAGES, PREFERENCE, SAMPLE
from schemas.manifest import LedgerEntry, PartFile
from schemas.recipe import Recipe
from schemas.sample import Sample
from tests.unit.shard.sample_artifacts import sample

PROBLEM_ROWS = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("prompt", MESSAGES, nullable=False),
        pa.field("gold", pa.large_string(), nullable=False),
        *(SAMPLE.field(name) for name in ("source", "license", "pass_rate", "num_generations")),
    ]
)
SCHEMAS: dict[str, pa.Schema] = {
    "default": SAMPLE,
    "reasoning_content": REASONING,
    "preference": PREFERENCE,
    "problems": PROBLEM_ROWS,
}


def recipe(**tables: Any) -> Recipe:
    """Sources `unit` (MIT) and `other` (CC-BY-SA-4.0), asked of an endpoint; tables are merged."""
    sources = [
        {"name": name, "kind": "math", "path": "x", "license": license}
        for name, license in (("unit", "MIT"), ("other", "CC-BY-SA-4.0"))
    ]
    content: dict[str, Any] = {
        "collect": {"sources": sources},
        "generate": {"teacher": {"engine": "openai", "model": "unit-teacher", "revision": "abc"}},
        "shard": {"name": "unit-set", "version": "1.0.0"},
    }
    for name, table in tables.items():
        content[name] = content.get(name, {}) | table
    return Recipe.model_validate({"name": "unit", **content})


def index_of(samples: Sequence[Sample], **columns: Sequence[Any]) -> pl.DataFrame:
    """`card_facts.INDEX` of those samples; `columns` replace what they say."""
    rows = [
        {
            **{name: getattr(one, name, None) for name in INDEX},
            "chars": len(one.messages[-1].content),
            "grader": "math",
            "method": "string",
            "form": one.form.value,
        }
        for one in samples
    ]
    return pl.DataFrame(rows, schema=INDEX).with_columns(
        pl.Series(name, values, INDEX[name]) for name, values in columns.items()
    )


def facts(
    samples: Sequence[Sample] | None = None,
    *,
    index: pl.DataFrame | None = None,
    configs: Mapping[str, int] | None = None,
    files: Sequence[PartFile] = (),
    figures: Mapping[str, Mapping[str, Any]] | None = None,
    ledger: Sequence[LedgerEntry] = (),
    **tables: Any,
) -> Facts:
    rows = index if index is not None else index_of(samples or [sample(n) for n in range(6)])
    published = rows["reason"].null_count()
    configs = configs or {"default": published, "reasoning_content": published}
    return Facts(
        recipe=recipe(**tables),
        description=Description(
            name="unit-set",
            version="1.0.0",
            rows=published,
            digest="d" * 64,
            files=list(files),
            columns=SAMPLE.names,
            configs=dict(configs),
            recipe="unit",
            upstream={},
            ledger=list(ledger),
        ),
        index=rows,
        schemas={name: SCHEMAS[name] for name in configs},
        figures=figures or {},
    )


def published(folder: Path, samples: Sequence[Sample]) -> Facts:
    """Facts of a folder with the Parquet files of all four configs; two samples a file."""
    rows = as_table([one.model_dump(mode="json") for one in samples], SAMPLE)
    tables = {
        "default": rows,
        "reasoning_content": with_reasoning(rows),
        "preference": as_table([_pair(one) for one in samples[:1]], PREFERENCE),
        "problems": as_table([_problem(one) for one in samples[:1]], PROBLEM_ROWS),
    }
    files: list[PartFile] = []
    for config, table in tables.items():
        pieces = [table.slice(at, 2) for at in range(0, table.num_rows, 2)]
        for number, piece in enumerate(pieces):
            name = shard_name(number, len(pieces))
            path = f"{FOLDERS[config]}/{name}"
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(piece, file)
            files.append(
                PartFile(
                    path=path,
                    rows=piece.num_rows,
                    bytes=file.stat().st_size,
                    sha256=file_sha256(file),
                )
            )
    configs = {name: table.num_rows for name, table in tables.items()}
    return facts(samples, configs=configs, files=files)


def _pair(one: Sample) -> dict[str, Any]:
    turns = [turn.model_dump() for turn in one.messages]
    said = {name: getattr(one, name) for name in PREFERENCE.names if hasattr(one, name)}
    rejected = [{"role": "assistant", "content": "<think>\nno\n</think>\n\n0"}]
    ids = {"rejected_id": "f" * 32, "rejected_reason": "incorrect"}
    return said | ids | {"prompt": turns[:-1], "chosen": turns[-1:], "rejected": rejected}


def _problem(one: Sample) -> dict[str, Any]:
    said = {name: getattr(one, name) for name in PROBLEM_ROWS.names if hasattr(one, name)}
    turns = [turn.model_dump() for turn in one.messages[:-1]]
    return said | {"prompt": turns, "gold": one.answer}
