"""How two datasets differ: rows that came, went or changed, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import Field

from factory.dataset.causes import Other
from factory.dataset.explained_rows import changed_rows, lost_rows, teachers_of
from factory.dataset.place import described
from factory.dataset.recipes_compared import (
    CodeDifference,
    KeyDifference,
    Made,
    compare_making,
)
from factory.dataset.rows_compared import compare_rows
from factory.errors import InputFileError, ManifestMismatch
from factory.recipe_file import load_recipe
from factory.shard.description import Description
from factory.shard.layout import RECIPE
from schemas.recipe import Recipe
from schemas.row import Row

_EXAMPLES: Final = 3


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
            teachers=teachers_of(folders[number], said[number]),
            is_b=number == 1,
        )
        for number in range(2)
    )
    parts = [
        lost_rows("went", compared.went, folders[1], said[1], second, made),
        lost_rows("came", compared.came, folders[0], said[0], first, made),
        changed_rows(compared.changed, made),
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
