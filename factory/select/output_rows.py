"""The rows of the output before their texts are there: samples and preference pairs."""

from __future__ import annotations

from typing import Final

import polars as pl

from factory.select.decide import Decided

ROW: Final = pl.Schema(
    {
        "uuid": pl.String(),
        "problem_id": pl.String(),
        "candidate_id": pl.String(),
        "pass_rate": pl.Float64(),
        "num_generations": pl.Int32(),
        "part": pl.Int32(),
        "row": pl.Int32(),
        "rejected": pl.String(),
        "rejected_part": pl.Int32(),
        "rejected_row": pl.Int32(),
        "status": pl.String(),
        "extracted": pl.String(),
    }
)
"""A row of the output: where the texts of its accepted candidate are and, of a journey or a pair,
of its rejected one, whose verdict `status` and `extracted` are."""

_PLACE: Final = ["candidate_id", "part", "row"]
_ORDER: Final = ["problem_id", "uuid"]


def sample_rows(decided: Decided, rates: pl.DataFrame) -> pl.DataFrame:
    """`ROW` of every sample, sorted by (problem_id, uuid); a journey in the place of the candidate
    that it ends with."""
    chosen = decided.rows.filter(pl.col("reason").is_null()).select("problem_id", *_PLACE)
    journeys = decided.journeys.select("uuid", "rejected", "status", "extracted", "accepted")
    rows = chosen.join(journeys, left_on="candidate_id", right_on="accepted", how="left")
    rows = rows.with_columns(uuid=pl.coalesce("uuid", "candidate_id"))
    return _complete(rows, decided.rows, rates)


def pair_rows(decided: Decided, rates: pl.DataFrame) -> pl.DataFrame:
    """`ROW` of every preference pair, sorted by (problem_id, uuid)."""
    pairs = decided.pairs.select(
        "problem_id", "rejected", candidate_id="chosen", status="rejected_reason"
    )
    places = decided.rows.select(_PLACE)
    rows = pairs.join(places, on="candidate_id", how="left").with_columns(
        uuid="candidate_id", extracted=pl.lit(None, pl.String)
    )
    return _complete(rows, decided.rows, rates)


def _complete(rows: pl.DataFrame, candidates: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    places = candidates.select(
        rejected="candidate_id", rejected_part="part", rejected_row="row"
    ).join(rows.select("rejected"), on="rejected", how="semi")
    return (
        rows.join(places, on="rejected", how="left")
        .join(rates, on="problem_id", how="left")
        .select(ROW.names())
        .cast(ROW)
        .sort(_ORDER)
    )
