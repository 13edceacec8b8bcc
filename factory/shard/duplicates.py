"""Exact duplicates: samples whose normalised conversations are equal; each cluster keeps one.

Normalised means Unicode NFC with every run of white space as one space, ends trimmed. Case and
punctuation stay: they can matter in mathematics and in code. A conversation is all its turns: the
same short answer to two questions is no duplicate. Covered: conversations that are equal after
this. Not covered: near duplicates, and equal answers in other words.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Final

import polars as pl

_CLUSTER_HEX: Final = 32


def conversation_digest(turns: Iterable[str]) -> str:
    """Digest of normalised turns, 32 hexadecimal digits; the name of its cluster."""
    digest = hashlib.sha256()
    for text in turns:
        normalised = " ".join(unicodedata.normalize("NFC", text).split())
        digest.update(normalised.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:_CLUSTER_HEX]


def mark_duplicates(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `kept: bool` and `dedup_cluster_id` (null where a row is alone), same order.

    Args:
        rows: `uuid`, `conversation` (its digest), `chars` (length of the completion). Each cluster
            keeps exactly one: the shortest, then the one with the smallest uuid.
    """
    best = pl.struct("chars", "uuid").rank("ordinal").over("conversation") == 1
    alone = pl.len().over("conversation") == 1
    return rows.with_columns(
        kept=best,
        dedup_cluster_id=pl.when(alone).then(None).otherwise("conversation"),
    )
