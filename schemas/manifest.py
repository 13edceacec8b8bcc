"""A manifest: what a stage wrote, from what, and where every row went. Written last."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from schemas.row import Row


class PartFile(Row):
    """One file of an artifact."""

    path: str
    """Relative to the folder of the manifest, with `/`."""
    rows: int
    bytes: int
    sha256: str


class LedgerEntry(Row):
    """Where the rows of one stage went: `rows_in == rows_out + sum(drops.values())`."""

    stage: str
    rows_in: int
    rows_out: int
    drops: dict[str, int] = Field(default_factory=dict)
    """Rows that left, by the name of their reason (`schemas.sample.Drop`); no zeros."""


class StageResult(Row):
    """What a stage's function hands to its task: the parts it wrote and where the rows went."""

    parts: list[PartFile]
    ledger: LedgerEntry
    figures: dict[str, Any] = Field(default_factory=dict)
    """Measurements for people and reports (seconds, tokens, rates); they enter no key."""


class Manifest(Row):
    """`manifest.json` of an artifact: the only thing that says that a stage is finished."""

    format: int = 1
    stage: str
    recipe: str
    key: str
    code_version: int
    inputs: dict[str, str]
    """Name of the input -> its key."""
    parts: list[PartFile]
    digest: str
    """Digest of the parts' digests: equal digests mean equal bytes."""
    ledger: LedgerEntry
    figures: dict[str, Any]
    created_unix_s: float
    wall_s: float
    versions: dict[str, str]
    """Versions of the packages that the stage stands on."""
