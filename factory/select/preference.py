"""Pairs of an accepted and a rejected candidate, for preference training.

Chosen is a sample as its writer wrote it, rejected a candidate of the same problem by the same
writer, whose answer is finished and wrong. A journey is never chosen, and what a journey consumed
is never rejected: a pair whose chosen side contains a wrong answer would teach two things at once.
Left out of the rejected are completions that were cut (they have no end) and those without an
answer that could be read, which would teach the form of an answer more than its truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from factory.digest import chance
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.verdict import Status

PAIR: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "chosen": pl.String(),
        "rejected": pl.String(),
        "rejected_reason": pl.String(),
    }
)

_FAILED: Final = (
    Status.ERROR.value,
    Status.SYNTAX.value,
    Status.TIMEOUT.value,
    Status.MEMORY.value,
    Status.OUTPUT_LIMIT.value,
)
"""Verdicts on a program that say that it is wrong, beside `incorrect`."""
_SAME: Final = ["problem_id", "teacher"]


def choose_pairs(
    decided: pl.DataFrame,
    pairs_per_problem: int,
    *,
    seed: int,
    journeys: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The pairs, rows of `PAIR` sorted by (problem_id, chosen): at most so many per problem.

    Every sample is in one pair at most; a rejected candidate comes again only where a problem has
    fewer of them than samples. Rejected is the verdict `incorrect`; for code also a program that
    raises, does not parse, or goes past a limit.

    Args:
        decided: One row per candidate, any order: `candidate_id`, `problem_id`, `domain`,
            `teacher`, `status`, `reason` (null: it is a sample), `finish_reason`.
        pairs_per_problem: 0: none.
        seed: Decides which samples, and who goes with whom.
        journeys: Rows of `journeys.JOURNEY`; their candidates take no part.
    """
    if pairs_per_problem == 0:
        return PAIR.to_frame()
    if journeys is not None:
        told = pl.concat([journeys["accepted"], journeys["rejected"]])
        decided = decided.filter(~pl.col("candidate_id").is_in(told.implode()))
    chosen = decided.filter(pl.col("reason").is_null())
    rejected = decided.filter(_is_rejected())
    chosen = _in_turn(chosen.join(rejected.select(_SAME).unique(), on=_SAME, how="semi"), seed)
    rejected = _in_turn(rejected.join(chosen.select(_SAME).unique(), on=_SAME, how="semi"), seed)
    many = rejected.group_by(_SAME).agg(many=pl.len())
    return (
        chosen.join(many, on=_SAME)
        .with_columns(turn=pl.col("turn") % pl.col("many"))
        .join(rejected, on=[*_SAME, "turn"], suffix="_rejected")
        .sort("problem_id", "draw", "candidate_id")
        .filter(pl.int_range(pl.len()).over("problem_id") < pairs_per_problem)
        .select(
            "problem_id",
            chosen="candidate_id",
            rejected="candidate_id_rejected",
            rejected_reason="status_rejected",
        )
        .sort("problem_id", "chosen")
    )


def pair_row(
    sample: Mapping[str, Any], pair: Mapping[str, Any], rejected_text: str
) -> dict[str, Any]:
    """One row of `schemas.arrow.PREFERENCE`.

    Args:
        sample: The chosen one, a row of `schemas.arrow.SAMPLE`.
        pair: Its row of `PAIR`.
        rejected_text: The whole rejected completion.
    """
    *prompt, answer = sample["messages"]
    return {
        "uuid": sample["uuid"],
        "problem_id": sample["problem_id"],
        "rejected_id": pair["rejected"],
        "rejected_reason": pair["rejected_reason"],
        "source": sample["source"],
        "domain": sample["domain"],
        "prompt": prompt,
        "chosen": [answer],
        "rejected": [{"role": "assistant", "content": rejected_text}],
        "generation_model": sample["generation_model"],
        "license": sample["license"],
    }


def _is_rejected() -> pl.Expr:
    """A finished answer that is wrong, and that is why the candidate is no sample."""
    failed = pl.col("status").is_in(_FAILED) & (pl.col("domain") == Domain.CODE.value)
    wrong = (pl.col("status") == Status.INCORRECT.value) | failed
    finished = pl.col("finish_reason") != FinishReason.LENGTH.value
    return wrong & finished & (pl.col("reason") == pl.col("status"))


def _in_turn(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows numbered by seed (`turn`) within problem and teacher."""
    draws = [chance(seed, f"pair {one}") for one in rows["candidate_id"]]
    return (
        rows.with_columns(draw=pl.Series(draws, dtype=pl.String))
        .sort(*_SAME, "draw", "candidate_id")
        .with_columns(turn=pl.int_range(pl.len()).over(_SAME))
    )
