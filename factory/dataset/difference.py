"""How two datasets differ: rows that came, went or changed, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import Field

from factory.dataset.causes import Lost, Other, why_changed, why_lost
from factory.dataset.ledger_checks import DROPPED_FILES, samples, scan
from factory.dataset.place import described
from factory.dataset.recipes_compared import (
    CodeDifference,
    KeyDifference,
    Made,
    compare_making,
)
from factory.dataset.rows_compared import ABOUT, compare_rows
from factory.errors import InputFileError, ManifestMismatch
from factory.recipe_file import load_recipe
from factory.shard.description import Description
from factory.shard.layout import RECIPE
from schemas.recipe import Recipe
from schemas.row import Row

_EXAMPLES: Final = 3
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


class Side(Row):
    """One of the two datasets."""

    folder: str
    name: str
    version: str
    digest: str
    rows: int


class Example(Row):
    """One of the rows of a group."""

    uuid: str
    problem_id: str
    detail: str


class Group(Row):
    """Rows that came, went or changed for one reason."""

    change: str
    cause: str
    because: str
    stage: str | None
    """Where the dataset that lacks them dropped their candidates; null: it has none, or the rows
    changed."""
    reason: str | None
    columns: str
    """Of rows that changed, those that differ."""
    rows: int
    domains: dict[str, int]
    sources: dict[str, int]
    examples: list[Example]


class Difference(Row):
    """The stable form of `retort dataset diff --json`."""

    a: Side
    b: Side
    same: int
    changed: int
    went: int
    came: int
    recipe: list[KeyDifference]
    code: list[CodeDifference]
    upstream: list[str]
    """Stages whose artifacts are others, by names that tell rounds apart."""
    groups: list[Group] = Field(default_factory=list)


def difference(a: Path, b: Path) -> tuple[Difference, pl.DataFrame]:
    """How two datasets differ, and the rows that do: columns `ROWS`, sorted.

    Both are taken as whole; `factory.dataset.verify` says whether they are.

    Raises:
        ManifestMismatch: One is no dataset of this format, or cannot be read.
        RecipeError: The recipe of one is none of this version.
    """
    folders, said = (a, b), (described(a), described(b))
    recipes = [load_recipe(str((folder / RECIPE).resolve())) for folder in folders]
    made = compare_making(folders, said)
    try:
        return _difference(folders, said, recipes, made)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ManifestMismatch(
            f"{a} and {b}: expected two whole datasets, found a file that cannot be read "
            f"({error}); `retort dataset verify` names every file that differs"
        ) from error


def _difference(
    folders: tuple[Path, Path],
    said: tuple[Description, Description],
    recipes: Sequence[Recipe],
    made: Made,
) -> tuple[Difference, pl.DataFrame]:
    compared = compare_rows(folders, said)
    labels = [one.version for one in said]
    if labels[0] == labels[1]:
        labels = ["A", "B"]
    first, second = (
        Other(
            label=labels[number],
            sources=frozenset(one.name for one in recipes[number].collect.sources),
            teachers=_teachers(folders[number], said[number]),
            is_b=number == 1,
        )
        for number in range(2)
    )
    parts = [
        _lost("went", compared.went, folders[1], said[1], second, made),
        _lost("came", compared.came, folders[0], said[0], first, made),
        _changed(compared.changed, made),
    ]
    rows = pl.concat([one.sort("problem_id", "uuid") for one in parts])
    sides = [_side(folder, each) for folder, each in zip(folders, said, strict=True)]
    found = Difference(
        a=sides[0],
        b=sides[1],
        same=compared.same,
        changed=compared.changed.height,
        went=compared.went.height,
        came=compared.came.height,
        recipe=list(made.keys),
        code=list(made.code),
        upstream=sorted(made.upstream),
        groups=_groups(rows),
    )
    return found, rows


def write_rows(rows: pl.DataFrame, file: Path) -> None:
    """Write the rows of a difference as Parquet, whole or not at all.

    Raises:
        InputFileError: The file cannot be written.
    """
    hidden = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        rows.write_parquet(hidden)
        hidden.replace(file)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise InputFileError(
            f"{file}: expected to write the rows there, found {error.strerror or error}; name "
            f"another file"
        ) from error


def _side(folder: Path, said: Description) -> Side:
    return Side(
        folder=str(folder), name=said.name, version=said.version, digest=said.digest, rows=said.rows
    )


def _teachers(folder: Path, said: Description) -> frozenset[str]:
    models = samples(folder, said).select(pl.col("generation_model").unique())
    return frozenset(models.collect(engine="streaming")["generation_model"].to_list())


def _lost(
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


def _changed(rows: pl.DataFrame, made: Made) -> pl.DataFrame:
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


def _groups(rows: pl.DataFrame) -> list[Group]:
    by = ["change", "cause", "because", "stage", "reason", "columns"]
    groups: list[Group] = []
    for _, some in rows.group_by(by, maintain_order=True):
        first = some.row(0, named=True)
        groups.append(
            Group(
                **{name: first[name] for name in by},
                rows=some.height,
                domains=_counts(some, "domain"),
                sources=_counts(some, "source"),
                examples=[_example(one) for one in some.head(_EXAMPLES).iter_rows(named=True)],
            )
        )
    order = ["went", "came", "changed"]
    return sorted(groups, key=lambda one: (order.index(one.change), -one.rows, one.because))


def _example(row: dict[str, Any]) -> Example:
    return Example(uuid=row["uuid"], problem_id=row["problem_id"], detail=row["detail"] or "")


def _counts(rows: pl.DataFrame, name: str) -> dict[str, int]:
    counted = rows.group_by(name).len().sort("len", name, descending=[True, False])
    return dict(counted.iter_rows())
