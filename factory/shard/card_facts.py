"""What a card, and what stands beside it, is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import polars as pl
import pyarrow as pa

from factory.shard.description import Description
from schemas.recipe import Recipe
from schemas.shard_settings import Shard

INDEX: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "source": pl.String(),
        "domain": pl.String(),
        "license": pl.String(),
        "generation_model": pl.String(),
        "pass_rate": pl.Float64(),
        "num_tokens": pl.Int64(),
        "chars": pl.Int64(),
        "grader": pl.String(),
        "method": pl.String(),
        "form": pl.String(),
        "reason": pl.String(),
        "benchmark": pl.String(),
    }
)
"""Columns that `Facts.index` has at least. `chars` is the length of the assistant's turn; `reason`
the `schemas.sample.Drop` under which shard left the sample out, null of published rows;
`benchmark` the one that the sample overlaps with, null where it overlaps with none or was not
compared."""


@dataclass(frozen=True)
class Facts:
    """What a card is made from; equal facts give equal bytes."""

    recipe: Recipe
    """The one that the dataset stands on, as `recipe.json` has it."""
    description: Description
    """With `configs`, and with the files that are there before the card: all Parquet files and
    `recipe.json`, not the card, nor what `factory.shard.extras.extra_files` makes."""
    index: pl.DataFrame
    """One row per sample that came to shard, also of those that it left out: `INDEX`."""
    schemas: Mapping[str, pa.Schema]
    """Config -> columns of its rows."""
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Upstream stage, by the name that tells rounds apart (`collect`, `grade1`, `select`), -> the
    figures of its manifest."""

    @property
    def shard(self) -> Shard:
        """`[shard]`."""
        return self.recipe.shard

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The published rows of `index`."""
        return self.index.filter(pl.col("reason").is_null())

    def figure(self, name: str) -> Any:
        """That figure of the first stage that has it, None where none has."""
        stages = (self.figures[stage] for stage in sorted(self.figures))
        return next((figures[name] for figures in stages if name in figures), None)
