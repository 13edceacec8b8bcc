"""How long completions are: counted exactly by domain, verdict and whether the dataset has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, cast

import polars as pl
import pyarrow.compute as pc

from factory.audit.artifacts import RunArtifacts, dataset_frames, frames
from factory.errors import ManifestMismatch
from factory.parts import parts_of, read_columns
from factory.shard.configs import DEFAULT, FOLDERS
from schemas.manifest import PartFile
from schemas.verdict import Status

_KEY: Final = ["domain", "correct", "kept", "length"]
_AT_ONCE: Final = 4
"""Parts that are held with their texts."""
_ROWS_AT_ONCE: Final = 1 << 18
Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class Lengths:
    """Candidates of a run by their length."""

    unit: str
    """`tokens`, or `characters` where no candidate has a count of tokens."""
    rows: pl.DataFrame
    """`domain`, `correct`, `kept` (it is in a row of the dataset), `length`, `rows`; sorted."""
    without: int
    """Candidates without a count of tokens, where others have one; they are in no row."""

    def where(self, *wanted: pl.Expr) -> pl.DataFrame:
        """`length` and `rows` of the candidates that are wanted, by length."""
        return self.rows.filter(*wanted).group_by("length").agg(pl.col("rows").sum()).sort("length")


def lengths_of(artifacts: RunArtifacts) -> Lengths:
    """The lengths of all candidates of a run's dataset.

    Raises:
        ManifestMismatch: A part is not whole, or was made by a version that lacks a column.
    """
    domains = pl.concat(
        [
            frame.select(_hashed("problem_id"), pl.col("domain").cast(pl.Categorical))
            for frame in frames(artifacts.collect, "problems", ["problem_id", "domain"])
        ]
    )
    published = _published(artifacts)
    counted, without = _counted(_tokens(artifacts), domains, published)
    unit = "tokens"
    if counted.is_empty() and without:
        unit = "characters"
        counted, without = _counted(_characters(artifacts), domains, published)
    return Lengths(unit, counted, without)


def _hashed(column: str) -> pl.Expr:
    """Ids as 64 bits: a million of them are 8 MB."""
    return pl.col(column).hash(1)


def _published(artifacts: RunArtifacts) -> pl.DataFrame:
    """Ids of the candidates that rows of the dataset are made of."""
    some = [
        frame.select(pl.col("made_of").explode().alias("candidate_id"))
        .drop_nulls()
        .select(_hashed("candidate_id"))
        for frame in dataset_frames(artifacts.dataset, f"{FOLDERS[DEFAULT]}/", ["made_of"])
    ]
    empty = pl.DataFrame(schema={"candidate_id": pl.UInt64})
    return pl.concat([empty, *some]).unique()


def _tokens(artifacts: RunArtifacts) -> Iterator[pl.DataFrame]:
    columns = ["candidate_id", "problem_id", "completion_tokens"]
    for candidates, verdicts in artifacts.rounds:
        for drawn, graded in _side_by_side(
            verdicts, frames(candidates, "candidates", columns), _verdicts(verdicts)
        ):
            yield drawn.rename({"completion_tokens": "length"}).join(graded, on="candidate_id")


def _characters(artifacts: RunArtifacts) -> Iterator[pl.DataFrame]:
    for candidates, verdicts in artifacts.rounds:
        for measured, graded in _side_by_side(verdicts, _measured(candidates), _verdicts(verdicts)):
            yield measured.join(graded, on="candidate_id")


def _measured(folder: Path) -> Iterator[pl.DataFrame]:
    """Candidates with the length of their texts, part by part, a few of them read side by side."""
    parts = parts_of(folder, "candidates")
    at_once = min(_AT_ONCE, os.cpu_count() or 1)
    with ThreadPoolExecutor(at_once) as threads:
        for first in range(0, len(parts), at_once):
            yield from threads.map(partial(_measured_part, folder), parts[first : first + at_once])


def _measured_part(folder: Path, part: PartFile) -> pl.DataFrame:
    table = read_columns(folder, part, ["candidate_id", "problem_id", "text"])
    length = pc.utf8_length(table["text"])  # pyright: ignore[reportAttributeAccessIssue]
    ids = cast("pl.DataFrame", pl.from_arrow(table.drop_columns(["text"])))
    return ids.with_columns(cast("pl.Series", pl.from_arrow(length)).alias("length"))


def _verdicts(folder: Path) -> Iterator[pl.DataFrame]:
    return frames(folder, "verdicts", ["candidate_id", "status"])


def _side_by_side(
    folder: Path, drawn: Iterator[Drawn], graded: Iterator[pl.DataFrame]
) -> Iterator[tuple[Drawn, pl.DataFrame]]:
    """Parts of candidates, each with the part of verdicts that was made from it."""
    try:
        yield from zip(drawn, graded, strict=True)
    except ValueError as error:
        raise ManifestMismatch(
            f"{folder}: expected a part of verdicts for each part of candidates, found another "
            f"number; delete the folder and run again"
        ) from error


def _counted(
    some: Iterator[pl.DataFrame], domains: pl.DataFrame, published: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    """Rows per domain, verdict, fate and length; and how many have no length."""
    sums: list[pl.DataFrame] = []
    held: list[pl.DataFrame] = []
    without = rows = 0
    for frame in some:
        known = frame.filter(pl.col("length").is_not_null())
        without += frame.height - known.height
        held.append(known)
        rows += known.height
        if rows >= _ROWS_AT_ONCE:
            sums.append(_sum(pl.concat(held), domains, published))
            held, rows = [], 0
    if held:
        sums.append(_sum(pl.concat(held), domains, published))
    empty = pl.DataFrame(
        schema={
            **{"domain": pl.String, "correct": pl.Boolean, "kept": pl.Boolean},
            **{"length": pl.Int64, "rows": pl.Int64},
        }
    )
    summed = pl.concat([empty, *sums]).group_by(_KEY).agg(pl.col("rows").sum()).sort(_KEY)
    return summed, without


def _sum(frame: pl.DataFrame, domains: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    marked = published.with_columns(kept=pl.lit(value=True))
    return (
        frame.with_columns(_hashed("candidate_id"), _hashed("problem_id"))
        .join(domains, on="problem_id", how="left")
        .join(marked, on="candidate_id", how="left")
        .select(
            pl.col("domain").cast(pl.String).fill_null(""),
            (pl.col("status") == Status.CORRECT.value).alias("correct"),
            pl.col("kept").fill_null(value=False),
            pl.col("length").cast(pl.Int64),
        )
        .group_by(_KEY)
        .agg(pl.len().cast(pl.Int64).alias("rows"))
    )


def rows_in(lengths: pl.DataFrame) -> int:
    """Candidates of a frame of `length` and `rows`."""
    return int(lengths["rows"].sum())


def quantile(lengths: pl.DataFrame, share: float) -> int:
    """The smallest length that this share of the rows does not exceed; there must be a row."""
    reached = lengths["rows"].cum_sum() >= share * rows_in(lengths)
    return int(lengths["length"].filter(reached)[0])


def mean(lengths: pl.DataFrame) -> float:
    """The mean length; there must be a row."""
    return int((lengths["length"] * lengths["rows"]).sum()) / rows_in(lengths)
