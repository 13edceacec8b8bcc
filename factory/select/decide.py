"""Who of the judged candidates is wanted: pass rates, picks, quotas, journeys and pairs."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from factory.reasons import without_reason
from factory.select.excluded import Excluded, without
from factory.select.journeys import choose_journeys, merged
from factory.select.pick import beyond_per_problem, beyond_quota, drop_where
from factory.select.preference import choose_pairs
from schemas.sample import Drop
from schemas.select_settings import Select


@dataclass(frozen=True)
class Decided:
    """Every candidate with its place; what stands on more than one candidate beside them."""

    rows: pl.DataFrame
    """`judge.JUDGED`; `reason` is null for samples."""
    journeys: pl.DataFrame
    """`journeys.JOURNEY`: samples in the place of the accepted ones."""
    pairs: pl.DataFrame
    """`preference.PAIR`."""


def decide(
    judged: pl.DataFrame,
    rates: pl.DataFrame,
    select: Select,
    seed: int,
    *,
    marked: Excluded | None = None,
) -> Decided:
    """The judged rows with the reasons of pass rate, pick, quota and journeys filled in.

    Args:
        judged: `judge.JUDGED`, any order.
        rates: As `pick.pass_rates` gives them.
        marked: Candidates that take part in no journey and no pair; None: there are none.
    """
    marked = marked or Excluded()
    rows = _within_bounds(judged, rates, select)
    alike = ("sketch",) if select.pick == "different" else ()
    columns = ("candidate_id", "problem_id", "chars", *alike)
    surplus = beyond_per_problem(
        without_reason(rows, *columns),
        per_problem=select.per_problem,
        pick=select.pick,
        seed=seed,
    )
    wanted = pl.lit(f"per_problem {select.per_problem}, {select.pick}")
    rows = drop_where(rows, _among(surplus), Drop.SURPLUS, wanted).drop("sketch", strict=False)
    rows = _within_quota(rows, select, seed)
    journeys = choose_journeys(
        without(rows, marked), select.journeys, seed=seed, max_tokens=select.max_tokens
    )
    rows = merged(rows, journeys)
    pairs = choose_pairs(
        without(rows, marked), select.pairs_per_problem, seed=seed, journeys=journeys
    )
    return Decided(rows.drop("style", "extracted", strict=False), journeys, pairs)


def _within_quota(rows: pl.DataFrame, select: Select, seed: int) -> pl.DataFrame:
    columns = ("candidate_id", "problem_id", "domain", "category")
    beyond = beyond_quota(without_reason(rows, *columns), select.quota, seed=seed)
    if beyond.is_empty():
        return rows
    rows = rows.join(beyond, on="candidate_id", how="left", maintain_order="left")
    full = pl.format("quota of {}", "quota")
    return drop_where(rows, pl.col("quota").is_not_null(), Drop.SURPLUS, full).drop("quota")


def _within_bounds(judged: pl.DataFrame, rates: pl.DataFrame, select: Select) -> pl.DataFrame:
    inside = pl.col("pass_rate").is_between(select.min_pass_rate, select.max_pass_rate)
    outside = rates.filter(~inside).select(
        "problem_id",
        why=pl.format("pass rate {} of {}", pl.col("pass_rate").round(4), "num_generations"),
    )
    if outside.is_empty():
        return judged
    rows = judged.join(outside, on="problem_id", how="left", maintain_order="left")
    rows = drop_where(rows, pl.col("why").is_not_null(), Drop.PASS_RATE, pl.col("why"))
    return rows.drop("why")


def _among(ids: pl.DataFrame) -> pl.Expr:
    return pl.col("candidate_id").is_in(ids["candidate_id"].implode())
