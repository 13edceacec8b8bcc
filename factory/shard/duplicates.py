"""Exact duplicates: samples whose normalised completions are equal; each cluster keeps one.

Normalised means Unicode NFC with every run of white space as one space, ends trimmed. Case and
punctuation stay: they can matter in mathematics and in code. Covered: completions that are equal
after this. Not covered: near duplicates, and equal answers in other words.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Final

import polars as pl

_CLUSTER_HEX: Final = 32


def completion_digest(text: str) -> str:
    """Digest of a normalised completion, 32 hexadecimal digits; the name of its cluster."""
    normalised = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(normalised.encode("utf-8", "surrogatepass")).hexdigest()[:_CLUSTER_HEX]


def mark_duplicates(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `kept: bool` and `dedup_cluster_id` (null where a row is alone), same order.

    Args:
        rows: `uuid`, `completion` (its digest), `chars` (length of the completion). Each cluster
            keeps exactly one: the shortest, then the one with the smallest uuid.
    """
    best = pl.struct("chars", "uuid").rank("ordinal").over("completion") == 1
    alone = pl.len().over("completion") == 1
    return rows.with_columns(
        kept=best,
        dedup_cluster_id=pl.when(alone).then(None).otherwise("completion"),
    )
