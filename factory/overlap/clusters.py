"""Connected components of near rows, from the keys of their bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.overlap.spill import Spill, shingles_of, spill
from schemas.data_settings import NearDuplicates

Read = Callable[[NDArray[np.int64]], Iterator[tuple[NDArray[np.int64], pa.Array]]]


@dataclass(frozen=True)
class Pairs:
    """Near pairs of rows."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float64]


@dataclass(frozen=True)
class Clusters:
    """For each row: the smallest row of its cluster, and the highest similarity with another row
    of it; -1 and NaN where the row is alone."""

    label: NDArray[np.int64]
    similarity: NDArray[np.float64]


def cluster_rows(
    bands: NDArray[np.uint64],
    *,
    groups: NDArray[np.int64],
    found: Pairs,
    near: NearDuplicates,
    read: Read,
    scratch: Path,
) -> Clusters:
    """As `factory.overlap.near.find_clusters`."""
    from factory.overlap.pairs import join_all

    parents = np.arange(len(bands), dtype=np.int64)
    nearest = np.full(len(bands), -1.0)
    join_all(parents, nearest, found.first, found.second, found.similarity)
    rows = _candidates(bands, groups)
    if len(rows):
        with spill(scratch) as runs:
            _write(runs, rows, near.words, read)
            hashes, offsets = runs.mapped()
            _compare(bands[rows], groups[rows], rows, hashes, offsets, near, parents, nearest)
            del hashes
    none = np.zeros(0, dtype=np.int64)
    join_all(parents, nearest, none, none, np.zeros(0))
    alone = nearest < 0
    return Clusters(np.where(alone, -1, parents), np.where(alone, np.nan, nearest))


def _candidates(bands: NDArray[np.uint64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that share a key with a row that is not of their group, ascending."""
    from factory.overlap.pairs import mark_shared

    marks = np.zeros(len(bands), dtype=np.bool_)
    for band in range(bands.shape[1]):
        keys = np.ascontiguousarray(bands[:, band])
        mark_shared(np.argsort(keys), keys, groups, marks)
    return np.flatnonzero(marks)


def _write(runs: Spill, rows: NDArray[np.int64], words: int, read: Read) -> None:
    done = 0
    for some, texts in read(rows):
        if not np.array_equal(some, rows[done : done + len(some)]) or len(texts) != len(some):
            raise ValueError("read(rows): expected the rows asked for, in order, with their texts")
        hashes, offsets = shingles_of(texts, words)
        runs.write(hashes, np.diff(offsets))
        done += len(some)
    if done != len(rows):
        raise ValueError(f"read(rows): expected {len(rows)} texts, found {done}")


def _compare(
    keys: NDArray[np.uint64],
    groups: NDArray[np.int64],
    rows: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    near: NearDuplicates,
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
) -> None:
    from factory.overlap.pairs import LARGE_BUCKET, compare_bucket, join_equal

    whole = np.bitwise_xor.reduce(keys, axis=1)
    same = np.arange(len(rows), dtype=np.int64)
    order = np.argsort(whole, kind="stable")
    join_equal(order, whole, hashes, offsets, rows, groups, parents, nearest, same)
    distinct = np.flatnonzero(same == np.arange(len(rows)))
    bands = keys.shape[1]
    for band in range(bands):
        some = keys[distinct, band]
        order = distinct[np.argsort(some, kind="stable")]
        sizes = np.unique(some, return_counts=True)[1]
        if sizes.max() > LARGE_BUCKET:
            turned = [keys[distinct, (band + turn) % bands] for turn in range(min(bands, 3))]
            order = distinct[np.lexsort(turned[::-1])]
        compare_bucket(
            order, keys, band, hashes, offsets, rows, groups, near.threshold, parents, nearest
        )
