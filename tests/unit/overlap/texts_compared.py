"""What near means, written down once more without any of the tricks: for comparison."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.overlap.letters import ALONE_RANGES
from factory.overlap.near import Clusters, Pairs, find_clusters, sign
from schemas.shard_settings import NearDuplicates

IDEOGRAPHS = [range(*ends) for ends in (*ALONE_RANGES, (0x20000, 0x40000))]


def words_of(text: str) -> list[str]:
    """The words of a text, in Unicode's form NFC and lower case; each Han or kana alone."""
    words = [""]
    for letter in unicodedata.normalize("NFC", text):
        lower = letter.lower()
        lower = lower if len(lower) == 1 else letter
        if letter.isspace():
            words.append("")
        elif any(ord(letter) in ideographs for ideographs in IDEOGRAPHS):
            words += [lower, ""]
        else:
            words[-1] += lower
    return [word for word in words if word]


def runs_of(text: str, size: int) -> set[tuple[str, ...]]:
    """The set of runs of `size` words; of a shorter text, all of it."""
    words = words_of(text)
    if not words:
        return set()
    return {tuple(words[at : at + size]) for at in range(max(1, len(words) - size + 1))}


def similarity(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """The Jaccard index; 0 of two empty sets."""
    return len(one & other) / len(one | other) if one or other else 0.0


def clusters_of(
    texts: Sequence[str],
    scratch: Path,
    *,
    near: NearDuplicates | None = None,
    groups: Sequence[int] | None = None,
    found: Pairs | None = None,
    batch: int = 100,
) -> Clusters:
    """The clusters of texts in memory."""
    near = near or NearDuplicates()
    array = pa.array(texts, pa.string())

    def read(rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
        for begin in range(0, len(rows), batch):
            some = rows[begin : begin + batch]
            yield some, array.take(pa.array(some))

    return find_clusters(
        sign(array, near),
        groups=np.array(groups if groups is not None else [-1] * len(texts), np.int64),
        found=found if found is not None else no_pairs(),
        near=near,
        read=read,
        scratch=scratch,
    )


def no_pairs() -> Pairs:
    """Nothing found yet."""
    return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
