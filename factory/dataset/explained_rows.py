"""The rows of a difference, each with its cause: joined to the ledger of its dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from factory.dataset.causes import Lost, Other, why_changed, why_lost
from factory.dataset.ledger_checks import DROPPED_FILES, samples, scan
from factory.dataset.recipes_compared import Made
from factory.dataset.rows_compared import ABOUT
from factory.shard.description import Description

_LOST: Final = [
    "stage",
    "reason",
    "source",
    "generation_model",
    "form",
    "problem_known",
    "in_journey",
]
"""Columns that decide why a row is lost: the fields of `Lost`."""
ROWS: Final = [
    "change",
    "uuid",
    "problem_id",
    "source",
    "domain",
    "cause",
    "because",
    "stage",
    "reason",
    "detail",
    "columns",
]
"""Columns of `retort dataset diff --rows FILE`: one row per sample that is not the same in both."""


def teachers_of(folder: Path, said: Description) -> frozenset[str]:
    models = samples(folder, said).select(pl.col("generation_model").unique())
    return frozenset(models.collect(engine="streaming")["generation_model"].to_list())


def lost_rows(
    change: str, rows: pl.DataFrame, folder: Path, said: Description, other: Other, made: Made
) -> pl.DataFrame:
    """Rows of `ROWS` for those that the dataset in `folder` lacks."""
    rows = rows.select(ABOUT).with_columns(candidate_id=pl.col("made_of").list.last())
    dropped = scan(folder, said, DROPPED_FILES)
    assert dropped is not None  # of a dataset of this format
    kept = samples(folder, said).select("problem_id", "made_of", row="uuid")
    ledger = pl.concat(
        _found(dropped, rows.select(candidate_id=pl.col(name).unique()))
        for name in ("uuid", "candidate_id")
    ).unique("candidate_id", keep="first", maintain_order=True)
    by_uuid = ledger.rename({"candidate_id": "uuid"})
    problems = pl.concat([kept.select("problem_id"), dropped.select("problem_id")]).unique()
    known = problems.join(rows.lazy().select("problem_id").unique(), on="problem_id", how="semi")
    parts = kept.select("row", part="made_of").explode("part", empty_as_null=True).drop_nulls()
    used = rows.lazy().select("uuid", part="made_of").explode("part", empty_as_null=True)
    in_place = used.join(parts, on="part").group_by("uuid").agg(pl.col("row").min())
    explained = (
        rows.join(by_uuid, on="uuid", how="left")
        .join(ledger, on="candidate_id", how="left", suffix="_of_part")
        .with_columns(
            pl.coalesce(name, f"{name}_of_part").alias(name)
            for name in ("stage", "reason", "detail")
        )
        .join(in_place.collect(engine="streaming"), on="uuid", how="left")
        .with_columns(
            problem_known=pl.col("problem_id").is_in(_ids(known, "problem_id")),
            in_journey=pl.col("row").is_not_null(),
            detail=pl.coalesce("detail", pl.format("a part of it stands in row {}", "row")),
        )
    )

    def why(values: dict[str, Any]) -> tuple[str, str]:
        cause, because = why_lost(Lost(**values), other, made)
        return cause.value, because

    return _with_causes(explained, _LOST, why).select(
        pl.lit(change).alias("change"),
        *ROWS[1:-1],
        pl.lit("").alias("columns"),
    )


def _found(dropped: pl.LazyFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    columns = ["candidate_id", "stage", "reason", "detail"]
    joined = dropped.select(columns).join(wanted.lazy(), on="candidate_id", how="semi")
    return joined.collect(engine="streaming")


def _ids(frame: pl.LazyFrame, name: str) -> pl.Series:
    return frame.collect(engine="streaming")[name].implode()


def changed_rows(rows: pl.DataFrame, made: Made) -> pl.DataFrame:
    def why(values: dict[str, Any]) -> tuple[str, str]:
        cause, because = why_changed(values["columns"], made)
        return cause.value, because

    none = pl.lit(None, dtype=pl.String)
    filled = rows.with_columns(change=pl.lit("changed"), stage=none, reason=none, detail=none)
    return _with_causes(filled, ["columns"], why).select(ROWS)


def _with_causes(
    rows: pl.DataFrame, by: list[str], why: Callable[[dict[str, Any]], tuple[str, str]]
) -> pl.DataFrame:
    """The rows with `cause` and `because`, asked once for each combination of `by`."""
    kinds = rows.select(by).unique()
    causes = [why(values) for values in kinds.iter_rows(named=True)]
    found = kinds.with_columns(
        pl.Series("cause", [cause for cause, _ in causes], pl.String),
        pl.Series("because", [because for _, because in causes], pl.String),
    )
    return rows.join(found, on=by, how="left", nulls_equal=True, maintain_order="left")
