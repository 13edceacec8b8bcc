"""A dataset at a glance: what `dataset.json` says, and what its rows are of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.digest import file_sha256
from factory.errors import ManifestMismatch
from factory.shard.configs import DEFAULT, FOLDERS
from factory.shard.description import Description, read_description
from factory.shard.layout import DATASET
from factory.shown.text_table import text_table
from schemas.manifest import LedgerEntry
from schemas.row import Row

_BY: Final = ("domain", "source", "license", "generation_model", "form")
_SHOWN_CHARS: Final = 1200


class Shown(Row):
    """The stable form of `retort dataset show --json`."""

    folder: str
    name: str
    version: str
    digest: str
    sha256: str
    """Of `dataset.json`."""
    recipe: str
    rows: int
    configs: dict[str, int]
    files: int
    bytes: int
    """Of all files but `dataset.json`."""
    counts: dict[str, dict[str, int]]
    """Column (domain, source, license, generation_model, form) -> value -> rows."""
    ledger: list[LedgerEntry]
    sections: dict[str, str]
    code_versions: dict[str, int]
    upstream: dict[str, str]


def shown(folder: Path) -> Shown:
    """What a dataset is; only small columns of it are read.

    Raises:
        ManifestMismatch: It is none, or a shard cannot be read.
    """
    said = read_description(folder)
    return Shown(
        folder=str(folder),
        name=said.name,
        version=said.version,
        digest=said.digest,
        sha256=file_sha256(folder / DATASET),
        recipe=said.recipe,
        rows=said.rows,
        configs=said.configs or {DEFAULT: said.rows},
        files=len(said.files),
        bytes=sum(one.bytes for one in said.files),
        counts=_counts(folder, said),
        ledger=said.ledger,
        sections=said.sections,
        code_versions=said.code_versions,
        upstream=said.upstream,
    )


def _counts(folder: Path, said: Description) -> dict[str, dict[str, int]]:
    paths = _shards(folder, said)
    columns = [name for name in _BY if name in said.columns]
    try:
        rows = pl.scan_parquet(paths).group_by(columns).len().collect(engine="streaming")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(folder, error) from error
    found: dict[str, dict[str, int]] = {}
    for name in columns:
        grouped = rows.group_by(name).agg(pl.col("len").sum()).sort("len", name, descending=True)
        found[name] = {str(value): count for value, count in grouped.iter_rows()}
    return found


def first_rows(folder: Path, count: int) -> list[dict[str, Any]]:
    """The first rows of the default config; one page is read of each column, not the shard.

    Raises:
        ManifestMismatch: It is no dataset, or a shard cannot be read.
    """
    rows: list[dict[str, Any]] = []
    for path in _shards(folder, read_description(folder)):
        if len(rows) >= count:
            break
        try:
            with pq.ParquetFile(path) as opened:
                for batch in opened.iter_batches(batch_size=count - len(rows)):
                    rows += batch.to_pylist()
                    if len(rows) >= count:
                        break
        except (OSError, pa.ArrowInvalid) as error:
            raise _unreadable(path, error) from error
    return rows[:count]


def _shards(folder: Path, said: Description) -> list[Path]:
    begins = f"{FOLDERS[DEFAULT]}/"
    return [folder / one.path for one in said.files if one.path.startswith(begins)]


def _unreadable(path: Path, error: Exception) -> ManifestMismatch:
    return ManifestMismatch(
        f"{path}: expected rows of a dataset, found it cannot be read ({error}); `retort dataset "
        f"verify` names every file that differs"
    )


# ------------------------------------------------------------------------------------ for people


def shown_text(one: Shown) -> str:
    """Several lines, ready to print."""
    lines = [
        f"{one.name} {one.version}  ({one.folder})",
        "",
        f"digest    {one.digest}",
        f"sha256    {one.sha256}  of {DATASET}",
        f"rows      {', '.join(f'{name} {count:,}' for name, count in one.configs.items())}",
        f"size      {one.files:,} files, {one.bytes:,} bytes",
    ]
    width = max((len(value) for counts in one.counts.values() for value in counts), default=0)
    for name, counts in one.counts.items():
        label = {"generation_model": "teacher", "license": "licence"}.get(name, name)
        lines += _counted(label, counts, width)
    rows = [("stage", "rows in", "rows out", "drops"), *_funnel(one.ledger)]
    lines += ["", *text_table(rows, right=(1, 2))]
    if one.sections:
        lines += ["", f"recipe    {one.recipe}"]
        lines += [f"          {name:<9} {digest[:12]}" for name, digest in one.sections.items()]
    if one.code_versions:
        versions = ", ".join(f"{stage} {number}" for stage, number in one.code_versions.items())
        lines += [f"code      {versions}"]
    return "\n".join(lines)


def _counted(label: str, counts: dict[str, int], width: int) -> list[str]:
    begins = [f"{label:<9}", *([" " * 9] * (len(counts) - 1))]
    return [
        f"{begin} {value.ljust(width)}  {count:,}"
        for begin, (value, count) in zip(begins, counts.items(), strict=True)
    ]


def _funnel(ledger: Sequence[LedgerEntry]) -> list[tuple[str, str, str, str]]:
    return [
        (
            one.stage,
            f"{one.rows_in:,}",
            f"{one.rows_out:,}",
            ", ".join(f"{reason} {n:,}" for reason, n in sorted(one.drops.items())) or "-",
        )
        for one in ledger
    ]


def row_text(row: dict[str, Any]) -> str:
    """One row for people: small columns, then its conversation; long turns are cut."""
    small = {name: value for name, value in row.items() if name not in ("messages", "problem")}
    lines = [f"{name:<18} {_short(value)}" for name, value in small.items()]
    for turn in row["messages"]:
        lines += ["", f"[{turn['role']}]", textwrap.indent(_cut(turn["content"]), "  ")]
    return "\n".join(lines)


def _short(value: Any) -> str:
    text = "–" if value is None else str(value).replace("\n", "\\n")
    return text if len(text) <= 100 else f"{text[:99]}…"


def _cut(text: str) -> str:
    if len(text) <= _SHOWN_CHARS:
        return text
    half = _SHOWN_CHARS // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"
