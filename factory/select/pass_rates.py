"""Pass rates: one row per problem that has candidates, where it stands, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import polars as pl
import pyarrow as pa

from factory.select.fixed_n import Drawn, fixed_n


class State(StrEnum):
    """Where a problem stands when all rounds are over."""

    SOLVED = "solved"
    """As many correct candidates as wanted; of a conversation that is passed through its one."""
    SHORT = "short"
    """Some, but fewer."""
    GIVEN_UP = "given_up"
    """None."""


PASS_RATE: Final = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("num_generations", pa.int32(), nullable=False),
        pa.field("correct", pa.int32(), nullable=False),
        pa.field("pass_rate", pa.float64(), nullable=False),
        pa.field("completion_tokens", pa.int64()),
        pa.field("rewrite_tokens", pa.int64()),
        pa.field("samples", pa.int32(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
    ]
)
"""Rewritten forms count in `rewrite_tokens` and `samples` alone. Tokens are null where those of a
candidate were not counted."""


def per_problem(decided: pl.DataFrame, wanted: Mapping[str, int]) -> pl.DataFrame:
    """One row of `PASS_RATE` per problem, sorted by its id.

    Args:
        decided: One row per candidate, any order: `problem_id`, `source`, `domain`, `category`,
            `author`, `status`, `reason` (null: it is a sample), `tokens`, `rewrites`.
        wanted: Correct candidates wanted of a problem, by domain.
    """
    correct = (pl.col("status") == "correct").sum().cast(pl.Int32)
    of_domain = pl.col("domain").replace_strict(
        list(wanted), list(wanted.values()), return_dtype=pl.Int32
    )
    limit = pl.when(pl.col("author") == "").then(of_domain).otherwise(1)
    rows = (
        decided.filter(pl.col("rewrites").is_null())
        .group_by("problem_id")
        .agg(
            pl.col("source", "domain", "category", "author").first(),
            num_generations=pl.len().cast(pl.Int32),
            correct=correct,
            completion_tokens=_tokens(),
        )
        .with_columns(pass_rate=pl.col("correct") / pl.col("num_generations"))
    )
    forms = (
        decided.filter(pl.col("rewrites").is_not_null())
        .group_by("problem_id")
        .agg(rewrite_tokens=_tokens(), rewritten=pl.len())
    )
    samples = (
        decided.filter(pl.col("reason").is_null())
        .group_by("problem_id")
        .agg(samples=pl.len().cast(pl.Int32))
    )
    none = pl.col("rewritten").is_null()
    state = (
        pl.when(pl.col("correct") >= limit)
        .then(pl.lit(State.SOLVED.value))
        .when(pl.col("correct") > 0)
        .then(pl.lit(State.SHORT.value))
        .otherwise(pl.lit(State.GIVEN_UP.value))
    )
    return (
        rows.join(forms, on="problem_id", how="left")
        .join(samples, on="problem_id", how="left")
        .with_columns(
            pl.col("samples").fill_null(0),
            rewrite_tokens=pl.when(none).then(0).otherwise("rewrite_tokens"),
            state=state,
        )
        .select(PASS_RATE.names)
        .sort("problem_id")
    )


def _tokens() -> pl.Expr:
    """The sum; null where one is not known, as that of a conversation that was passed through."""
    known = pl.col("tokens").null_count() == 0
    return pl.when(known).then(pl.col("tokens").sum()).otherwise(None)


def cost_figures(rates: pl.DataFrame, wanted: Mapping[str, int]) -> dict[str, Any]:
    """Problems by state, tokens and tokens per accepted sample, overall and by domain, and the
    estimate against the baseline that draws as many candidates of every problem.

    Problems whose tokens are not known take no part in what is about tokens, nor do their samples.

    Args:
        rates: As `per_problem` gives them.
    """
    counted = rates.filter(pl.col("completion_tokens").is_not_null())
    drawn = [
        Drawn(domain, candidates, correct, tokens, wanted[domain])
        for domain, candidates, correct, tokens in counted.select(
            "domain", "num_generations", "correct", "completion_tokens"
        ).iter_rows()
    ]
    domains = rates["domain"].unique().sort()
    return {
        **_costs(rates),
        "by_domain": {one: _costs(rates.filter(pl.col("domain") == one)) for one in domains},
        "fixed_n": fixed_n(drawn),
    }


def _costs(rates: pl.DataFrame) -> dict[str, Any]:
    states = dict(rates.group_by("state").len().iter_rows())
    counted = rates.filter(
        pl.col("completion_tokens").is_not_null() & pl.col("rewrite_tokens").is_not_null()
    )
    tokens = sum(int(counted[name].sum()) for name in ("completion_tokens", "rewrite_tokens"))
    samples = int(counted["samples"].sum())
    return {
        "states": {state.value: states.get(state.value, 0) for state in State},
        "tokens": tokens if counted.height else None,
        "tokens_per_accepted": tokens / samples if samples else None,
        "problems_without_tokens": rates.height - counted.height,
    }
