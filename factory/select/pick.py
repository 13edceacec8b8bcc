"""Which of the acceptable candidates are wanted: pass-rate bounds, per-problem pick, quotas.

Pure functions on small frames without texts. Chance is a digest of the seed and the row's id, so
the same rows are picked in any order of the input and on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import polars as pl

from factory.digest import chance
from factory.select.sketches import least_alike
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
        reason=pl.when(hit).then(pl.lit(reason.value, pl.Categorical())).otherwise("reason"),
        detail=pl.when(hit).then(detail).otherwise("detail"),
    )


def beyond_per_problem(
    rows: pl.DataFrame,
    *,
    per_problem: int,
    pick: Literal["shortest", "random", "different"],
    seed: int,
) -> pl.DataFrame:
    """Ids of the candidates beyond the wanted number per problem: `candidate_id`, sorted.

    Args:
        rows: `candidate_id`, `problem_id`, `chars` (length of the completion), any order; for
            `different` also `sketch`.
        pick: `shortest` keeps the fewest characters, then the smallest id; `random` draws by seed;
            `different` keeps the shortest, then again and again the one that is least like the one
            most like it among those kept.
    """
    if pick == "random":
        ordered = rows.with_columns(draw=_draws(rows["candidate_id"], seed)).sort(
            "problem_id", "draw", "candidate_id"
        )
    else:
        ordered = rows.sort("problem_id", "chars", "candidate_id")
    if pick == "different":
        ordered = _least_alike_first(ordered, per_problem)
    return (
        ordered.filter(pl.int_range(pl.len()).over("problem_id") >= per_problem)
        .select("candidate_id")
        .sort("candidate_id")
    )


def _least_alike_first(ordered: pl.DataFrame, per_problem: int) -> pl.DataFrame:
    """The rows, sorted by problem, with those first that resemble each other least."""
    order = np.arange(ordered.height)
    ends = ordered["problem_id"].rle().struct.field("len").cum_sum()
    start = 0
    for end in ends:
        if end - start > per_problem:
            kept = least_alike(ordered["sketch"][start:end].to_list(), per_problem)
            rest = np.setdiff1d(np.arange(end - start), kept)
            order[start:end] = start + np.concatenate((kept, rest))
        start = end
    return ordered[order]


def beyond_quota(rows: pl.DataFrame, quota: Mapping[str, int], *, seed: int) -> pl.DataFrame:
    """Candidates beyond the quota of their domain or category: `candidate_id, quota`, sorted.

    Drawn evenly over problems: every problem gives one before any gives a second; within a turn
    the seed decides which problems come first. A category's own quota counts within its domain's,
    and is filled before the rest of the domain, as when candidates are drawn.

    Args:
        rows: `candidate_id`, `problem_id`, `domain`, `category`, any order.
        quota: Rows wanted per domain (`math`) or category of one (`math/Algebra`); what is not
            named has no quota.
    """
    if not quota:
        return pl.DataFrame(schema={"candidate_id": pl.String, "quota": pl.String})
    domain = pl.col("domain").cast(pl.String)
    named = rows.select(
        "candidate_id",
        "problem_id",
        domain=domain,
        own=pl.format("{}/{}", domain, pl.col("category").cast(pl.String)),
    )
    problems = named.select("problem_id").unique().sort("problem_id")
    problems = problems.with_columns(problem_draw=_draws(problems["problem_id"], seed))
    in_turn = (
        named.with_columns(
            draw=_draws(named["candidate_id"], seed),
            limit=_limit("domain", quota),
            own_limit=_limit("own", quota),
        )
        .filter(pl.col("limit").is_not_null() | pl.col("own_limit").is_not_null())
        .join(problems, on="problem_id", how="left")
        .sort("problem_id", "draw", "candidate_id")
        .with_columns(turn=pl.int_range(pl.len()).over("problem_id"))
        .sort(pl.col("own_limit").is_null(), "turn", "problem_draw", "problem_id")
    )
    beyond_own = pl.int_range(pl.len()).over("own") >= pl.col("own_limit")
    categories = in_turn.filter(beyond_own)
    left = in_turn.filter(~beyond_own.fill_null(False))
    domains = left.filter(pl.int_range(pl.len()).over("domain") >= pl.col("limit"))
    return pl.concat(
        [
            categories.select("candidate_id", quota="own"),
            domains.select("candidate_id", quota="domain"),
        ]
    ).sort("candidate_id")


def _limit(name: str, quota: Mapping[str, int]) -> pl.Expr:
    return pl.col(name).replace_strict(
        [str(one) for one in quota], list(quota.values()), default=None, return_dtype=pl.Int64
    )


def _draws(ids: pl.Series, seed: int) -> pl.Series:
    return pl.Series([chance(seed, one) for one in ids], dtype=pl.String)
