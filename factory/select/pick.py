"""Which of the acceptable candidates are wanted: pass-rate bounds, per-problem pick, quotas.

Pure functions on small frames without texts. Chance is a digest of the seed and the row's id, so
the same rows are picked in any order of the input and on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from factory.digest import chance
from schemas.problem import Domain
from schemas.sample import Drop


def pass_rates(verdicts: pl.DataFrame) -> pl.DataFrame:
    """`problem_id, num_generations, pass_rate`, sorted: correct / graded over all candidates.

    Args:
        verdicts: `problem_id: str`, `status: str`; one row per graded candidate, any order.
    """
    return (
        verdicts.group_by("problem_id")
        .agg(
            num_generations=pl.len().cast(pl.Int32),
            pass_rate=(pl.col("status") == "correct").mean(),
        )
        .sort("problem_id")
    )


def drop_where(rows: pl.DataFrame, where: pl.Expr, reason: Drop, detail: pl.Expr) -> pl.DataFrame:
    """The rows with a reason and its detail for those that have none yet and meet a condition."""
    hit = pl.col("reason").is_null() & where
    return rows.with_columns(
        reason=pl.when(hit).then(pl.lit(reason.value)).otherwise("reason"),
        detail=pl.when(hit).then(detail).otherwise("detail"),
    )


def beyond_per_problem(
    rows: pl.DataFrame, *, per_problem: int, pick: Literal["shortest", "random"], seed: int
) -> pl.DataFrame:
    """Ids of the candidates beyond the wanted number per problem: `candidate_id`, sorted.

    Args:
        rows: `candidate_id`, `problem_id`, `chars` (length of the completion), any order.
        pick: `shortest` keeps the fewest characters, then the smallest id; `random` draws by seed.
    """
    draws = [chance(seed, one) for one in rows["candidate_id"]]
    order = ["chars", "candidate_id"] if pick == "shortest" else ["draw", "candidate_id"]
    return (
        rows.with_columns(draw=pl.Series(draws, dtype=pl.String))
        .sort("problem_id", *order)
        .filter(pl.int_range(pl.len()).over("problem_id") >= per_problem)
        .select("candidate_id")
        .sort("candidate_id")
    )


def beyond_quota(rows: pl.DataFrame, quota: Mapping[Domain, int], *, seed: int) -> pl.DataFrame:
    """Ids of the candidates beyond their domain's quota: `candidate_id`, sorted.

    Drawn evenly over problems: every problem gives one before any gives a second; within a turn
    the seed decides which problems come first.

    Args:
        rows: `candidate_id`, `problem_id`, `domain`, any order.
        quota: Rows wanted per domain; a domain that is not named has no quota.
    """
    limits = {str(domain): count for domain, count in quota.items()}
    problems = rows["problem_id"].unique().sort()
    problem_draws = pl.DataFrame(
        {
            "problem_id": problems,
            "problem_draw": pl.Series([chance(seed, one) for one in problems], dtype=pl.String),
        }
    )
    draws = pl.Series([chance(seed, one) for one in rows["candidate_id"]], dtype=pl.String)
    limit = pl.col("domain").replace_strict(
        list(limits), list(limits.values()), default=None, return_dtype=pl.Int64
    )
    return (
        rows.with_columns(draw=draws, limit=limit)
        .filter(pl.col("limit").is_not_null())
        .join(problem_draws, on="problem_id", how="left")
        .sort("problem_id", "draw", "candidate_id")
        .with_columns(turn=pl.int_range(pl.len()).over("problem_id"))
        .sort("domain", "turn", "problem_draw", "problem_id")
        .filter(pl.int_range(pl.len()).over("domain") >= pl.col("limit"))
        .select("candidate_id")
        .sort("candidate_id")
    )
