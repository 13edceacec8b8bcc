"""Frames with a column `reason`: why a row is left out, null where it stays."""

from __future__ import annotations

import polars as pl


def without_reason(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Some columns of the rows that have no reason; the others are not copied."""
    return rows.lazy().filter(pl.col("reason").is_null()).select(columns).collect()
