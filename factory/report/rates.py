"""Pass rates by level and category, and how many problems have which pass rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from factory.audit.artifacts import RunArtifacts, frames

_COLUMNS: Final = ["problem_id", "domain", "category", "num_generations", "correct", "samples"]


@dataclass(frozen=True)
class RateRow:
    """Problems of one kind, of those that candidates were graded for."""

    domain: str
    name: str
    """The level or category; empty where the source gives none."""
    problems: int
    solved: int
    """With at least one correct candidate."""
    graded: int
    correct: int
    samples: int
    """Rows that select took of them."""


@dataclass(frozen=True)
class Rates:
    """What select's counts per problem say."""

    by_level: Sequence[RateRow]
    by_category: Sequence[RateRow]
    tenths: Sequence[int]
    """Problems by pass rate: [0, 0.1), …, [0.9, 1), and 1."""


def rates_of(artifacts: RunArtifacts) -> Rates:
    """The rates of a run's dataset.

    Raises:
        ManifestMismatch: A part is not whole, or was made by a version that lacks a column.
    """
    levels = pl.concat(list(frames(artifacts.collect, "problems", ["problem_id", "level"])))
    some = list(frames(artifacts.select, "pass_rates", _COLUMNS))
    if not some:
        return Rates([], [], [0] * 11)
    problems = pl.concat(some).join(levels, on="problem_id", how="left")
    problems = problems.filter(pl.col("num_generations") > 0)
    share = problems["correct"] * 10 // problems["num_generations"]
    found = dict(share.value_counts().iter_rows())
    return Rates(
        _by(problems, "level"), _by(problems, "category"), [found.get(one, 0) for one in range(11)]
    )


def _by(problems: pl.DataFrame, column: str) -> list[RateRow]:
    named = problems.with_columns(pl.col(column).fill_null(""))
    if not (named[column] != "").any():
        return []
    summed = (
        named.group_by("domain", column)
        .agg(
            pl.len(),
            (pl.col("correct") > 0).sum().alias("solved"),
            pl.col("num_generations").sum(),
            pl.col("correct").sum(),
            pl.col("samples").sum(),
        )
        .sort("domain", column)
    )
    return [RateRow(*row) for row in summed.iter_rows()]
