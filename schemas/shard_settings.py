"""`[shard]` of a recipe: the dataset that is published, and what of it counts as a duplicate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.field_types import Positive, Slug
from schemas.row import Settings

Use = Literal["research", "commercial"]


class NearDuplicates(Settings):
    """`[shard.near]`: which texts are near duplicates."""

    threshold: Annotated[float, Field(ge=0.3, le=1.0)] = 0.8
    """Jaccard similarity of the sets of word n-grams, at least."""
    words: Annotated[int, Field(ge=1, le=32)] = 5
    """Words of an n-gram."""


class Shard(Settings):
    """`[shard]`: the dataset that is published."""

    name: Slug
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: str = ""
    license: str = ""
    """Of the dataset as a whole, an SPDX identifier; empty: those of its rows."""
    use: Use = "research"
    """What the dataset is published for; a licence of a row or a model that forbids it stops the
    run."""
    model_licenses: dict[str, str] = Field(default_factory=dict)
    """Licence that governs what a teacher wrote, by the teacher's name without revision."""
    dedupe: Literal["near", "exact", "none"] = "near"
    """`exact`: samples whose normalised conversations are equal; `near`: near duplicates too,
    within a problem and across."""
    near: NearDuplicates = NearDuplicates()
    keep: Literal["shortest", "longest"] = "shortest"
    """Which row of a cluster of duplicates stays; the smallest uuid where several are as long."""
    decontaminate: bool = True
    """Compare the samples with the benchmarks of `[collect]` and the suites of `[validate]`."""
    contaminated: Literal["drop", "mark"] = "drop"
    """What becomes of a sample that overlaps; a marked one has its evidence in `contamination`."""
    configs: list[Literal["reasoning_content", "preference", "problems"]] = Field(
        default_factory=lambda: ["reasoning_content"]
    )
    """What is published beside the default config: the same rows with the reasoning in a field of
    its own; pairs of accepted and rejected answers; problems with gold and pass rate."""
    shard_bytes: Positive = 200_000_000
    """Aimed size of a Parquet shard before compression."""
