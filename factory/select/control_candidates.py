"""The candidates that a control may be drawn from, and those that the dataset has rows of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import polars as pl
import pyarrow.parquet as pq

from factory.errors import ManifestMismatch
from factory.select.rows import Pair, read_pair
from factory.select.rules import CLOSE, OPEN
from factory.shard.duplicates import conversation_digest
from schemas.candidate import FinishReason
from schemas.sample import Drop

_READ: Final = [
    "candidate_id",
    "problem_id",
    "text",
    "finish_reason",
    "completion_tokens",
    "rewrites",
]


def accepted_rows(dataset_dir: Path, candidates: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The rows of `candidates` that the dataset's rows end with, and the length of all that is in
    them: a journey begins with another candidate.

    Raises:
        ManifestMismatch: A row of the dataset is made of others.
    """
    made_of: list[list[str]] = []
    for file in sorted((dataset_dir / "data").glob("*.parquet")):
        made_of += pq.read_table(file, columns=["made_of"])["made_of"].to_pylist()
    last = pl.Series([one[-1] for one in made_of], dtype=pl.String)
    every = pl.Series([one for ids in made_of for one in ids], dtype=pl.String)
    accepted = candidates.filter(pl.col("candidate_id").is_in(last.implode()))
    parts = candidates.filter(pl.col("candidate_id").is_in(every.implode()))
    if accepted.height != len(last) or parts.height != len(every):
        raise ManifestMismatch(
            f"control: expected the {len(last)} rows of {dataset_dir} among the candidates, found "
            f"{accepted.height}; the dataset is not made from these rounds"
        )
    return accepted, int(parts["length"].sum())


def control_candidates(pairs: Sequence[Pair]) -> pl.DataFrame:
    """`candidate_id, problem_id, rewritten, length, status, text, reason, part, row`; a reason
    where none can learn it.

    `length` is in tokens, or in characters where the teacher did not count tokens; `text` is the
    digest of the normalised text.
    """
    frames: list[pl.DataFrame] = []
    for part, pair in enumerate(pairs):
        candidates, verdicts = read_pair(pair)
        frame = cast("pl.DataFrame", pl.from_arrow(candidates.select(_READ)))
        texts = [conversation_digest([one]) for one in frame["text"]]
        frames.append(
            frame.select(
                "candidate_id",
                "problem_id",
                "completion_tokens",
                pl.col("rewrites").is_not_null().alias("rewritten"),
                pl.Series("status", verdicts["status"].to_pylist(), dtype=pl.String),
                pl.Series("text", texts, dtype=pl.String),
                chars=pl.col("text").str.len_chars(),
                reason=_unlearnable(),
                part=pl.lit(part, pl.Int32),
                row=pl.int_range(pl.len(), dtype=pl.Int32),
            )
        )
    rows = pl.concat(frames)
    counted = rows["completion_tokens"].null_count() == 0
    return rows.with_columns(length="completion_tokens" if counted else "chars").drop(
        "chars", "completion_tokens"
    )


def _unlearnable() -> pl.Expr:
    opened = pl.col("text").str.count_matches(OPEN, literal=True)
    closed = pl.col("text").str.count_matches(CLOSE, literal=True)
    empty = pl.col("text").str.strip_chars() == ""
    broken = empty | (opened > 1) | ((closed > 0) & (opened == 0))
    return (
        pl.when(pl.col("finish_reason") == FinishReason.LENGTH.value)
        .then(pl.lit(Drop.TRUNCATED.value))
        .when(broken)
        .then(pl.lit(Drop.BAD_FORMAT.value))
        .otherwise(pl.lit(None, dtype=pl.String))
    )
