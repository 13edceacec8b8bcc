"""Two runs beside each other: what was made differently, and what became different."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from factory.audit.artifacts import dataset_frames
from factory.dataset.recipes_compared import KeyDifference, compare_recipes
from factory.errors import ManifestMismatch
from factory.report.facts import Facts, facts_of, model_name, tried
from factory.shard.configs import DEFAULT, FOLDERS
from factory.validate.paired import compare
from schemas.score import Comparison


@dataclass(frozen=True)
class RowsCompared:
    """Rows of two datasets, by their id."""

    both: int
    only_a: int
    only_b: int


@dataclass
class Compared:
    """Two runs, and what differs; None where it is not known."""

    a: Facts
    b: Facts
    keys: Sequence[KeyDifference] | None
    whole_recipes: bool
    """Whether the keys are of whole recipes, or of the parts that the datasets depend on."""
    rows: RowsCompared | None
    scores: Sequence[Comparison] = ()
    """Models of B beside those of A, on the problems that both were asked."""
    missing: list[str] = field(default_factory=list[str])


def compare_runs(a: Path, b: Path) -> Compared:
    """Two runs by the folders of their records.

    Raises:
        ManifestMismatch: One has no record.
    """
    first, second = facts_of(a), facts_of(b)
    missing = [f"{one.run.run}: {said}" for one in (first, second) for said in one.missing]
    keys = tried(missing, "recipes", lambda: _keys(first, second))
    rows = tried(missing, "rows of the datasets", lambda: _rows(first, second))
    scores, unpaired = _paired(first, second)
    missing += unpaired
    whole = first.recipe_of == second.recipe_of == "the run"
    return Compared(first, second, keys, whole, rows, scores, missing)


def _keys(a: Facts, b: Facts) -> list[KeyDifference]:
    recipes = [_recipe(one) for one in (a, b)]
    if a.recipe_of != b.recipe_of:  # one is whole and the other is of a dataset
        for recipe in recipes:
            for only_whole in ("train", "validate", "description"):
                recipe.pop(only_whole, None)
    return compare_recipes(recipes[0], recipes[1])


def _recipe(facts: Facts) -> dict[str, object]:
    try:
        found = json.loads(facts.recipe or "null")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ManifestMismatch(
            f"run {facts.run.run}: expected its recipe as JSON, found none; what differs in it is "
            f"not said"
        )
    return found


def _paired(a: Facts, b: Facts) -> tuple[list[Comparison], list[str]]:
    """Models that both runs measured under the same name, B against A; and which cannot be."""
    sides = [{one.of: Path(one.ref.path) for one in facts.of_stage("validate")} for facts in (a, b)]
    found: list[Comparison] = []
    missing: list[str] = []
    for model in (one for one in sides[0] if one in sides[1]):
        if sides[0][model] != sides[1][model]:  # else it is one artifact of both runs
            pair = (sides[1][model], sides[0][model])
            compared = tried(missing, f"{model_name(model)}, paired", _compared(*pair))
            found += compared or []
    return found, missing


def _compared(first: Path, second: Path) -> Callable[[], list[Comparison]]:
    return lambda: compare(first, second)


def _rows(a: Facts, b: Facts) -> RowsCompared:
    if a.run.dataset.digest == b.run.dataset.digest:
        return RowsCompared(a.run.dataset.rows, 0, 0)
    first, second = _ids(a), _ids(b)
    both = first.join(second, on="uuid", how="semi").height
    return RowsCompared(both, first.height - both, second.height - both)


def _ids(facts: Facts) -> pl.DataFrame:
    """Ids of a dataset's rows, as 64 bits each."""
    begins = f"{FOLDERS[DEFAULT]}/"
    some = [
        frame.select(pl.col("uuid").hash(1))
        for frame in dataset_frames(Path(facts.run.dataset.path), begins, ["uuid"])
    ]
    return pl.concat([pl.DataFrame(schema={"uuid": pl.UInt64}), *some])
