"""Connected components of near rows, from the keys of their bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.overlap.mapped_bands import let_go
from factory.overlap.spill import MappedSets, Spill, shingles_of, spill
from factory.shown.progress import progress
from schemas.shard_settings import NearDuplicates

_HASHES_AT_A_TIME: Final = 1 << 26

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
            sums = _write(runs, rows, near.words, read)
            sets = runs.mapped()
            _compare(_keys_of(bands, rows), groups[rows], rows, sets, sums, near, parents, nearest)
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
        let_go(bands)
    return np.flatnonzero(marks)


def _keys_of(bands: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    keys = np.empty((len(rows), bands.shape[1]), dtype=np.uint64)
    for band in range(bands.shape[1]):
        keys[:, band] = bands[rows, band]
        let_go(bands)
    return keys


def _write(runs: Spill, rows: NDArray[np.int64], words: int, read: Read) -> NDArray[np.uint64]:
    """Write the sets of these rows; the sum of each set, by which equal ones are found."""
    sums: list[NDArray[np.uint64]] = []
    done = 0
    for some, texts in read(rows):
        if not np.array_equal(some, rows[done : done + len(some)]) or len(texts) != len(some):
            raise ValueError("read(rows): expected the rows asked for, in order, with their texts")
        hashes, offsets = shingles_of(texts, words)
        runs.write(hashes, np.diff(offsets))
        sums.append(np.add.reduceat(hashes, offsets[:-1]))
        done += len(some)
    if done != len(rows):
        raise ValueError(f"read(rows): expected {len(rows)} texts, found {done}")
    return np.concatenate(sums)


def _compare(
    keys: NDArray[np.uint64],
    groups: NDArray[np.int64],
    rows: NDArray[np.int64],
    sets: MappedSets,
    sums: NDArray[np.uint64],
    near: NearDuplicates,
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
) -> None:
    """Join the candidates that are near, band by band."""
    from factory.overlap.pairs import LARGE_BUCKET, compare_buckets, join_equal

    hashes, offsets = sets.hashes, sets.offsets
    same = np.arange(len(rows), dtype=np.int64)
    order = np.argsort(sums, kind="stable")
    join_equal(order, sums, hashes, offsets, rows, groups, parents, nearest, same)
    distinct = np.flatnonzero(same == np.arange(len(rows)))
    sizes = np.diff(offsets)
    bands = keys.shape[1]
    with progress("compare", bands, "bands") as bar:
        for band in range(bands):
            order = distinct[np.argsort(keys[distinct, band])]
            begins = np.flatnonzero(np.diff(keys[order, band], prepend=np.uint64(0)))
            if np.diff(begins, append=len(order)).max(initial=0) > LARGE_BUCKET:
                turned = [keys[distinct, (band + turn) % bands] for turn in range(min(bands, 3))]
                order = distinct[np.lexsort(turned[::-1])]
            for some in _slices(begins, sizes[order]):
                compare_buckets(
                    *(order[some], keys, band, hashes, offsets, rows, groups, near.threshold),
                    *(parents, nearest),
                )
                sets.let_go()
            bar.update()


def _slices(begins: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Runs of whole buckets whose sets are about as large as may be in memory at a time."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        full = np.searchsorted(ends, (ends[begin - 1] if begin else 0) + _HASHES_AT_A_TIME)
        after = np.searchsorted(begins, full, side="right")
        end = int(begins[after]) if after < len(begins) else len(sizes)
        yield slice(begin, end)
        begin = end
