"""Near duplicates: MinHash finds candidates, an exact comparison decides.

Words are runs of characters that are no white space (Unicode), in Unicode's form NFC and in lower
case character by character; a Han or kana character is a word of its own, for text without spaces.
A text is the *set* of hashes (64 bits) of its runs of `near.words` successive words; a text with
fewer words is one run of all of them; a text without words has no runs and is near nothing.
Similarity is the Jaccard index of two sets, and two texts are near where it is at least
`near.threshold`.

Covered: a pair at the threshold becomes a candidate with a chance of 0.997, and nearer pairs with
a higher one (`bands_and_rows`); each candidate is compared exactly, so no pair below the threshold
is found, but for collisions of hashes (one in 10^13 for texts of a thousand words). Not covered:
the pairs that share no band, and texts that say the same in other words. In a bucket of more than
256 distinct texts a text is compared with the first 64 texts that resemble none before them and
with the 16 texts most like it by their keys: there a link may be missed which no other band shows,
and the similarity of a row is the highest of those that were computed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.overlap.clusters import Clusters, Pairs, Read, cluster_rows
from schemas.shard_settings import NearDuplicates

__all__ = ["Clusters", "Pairs", "Read", "find_clusters", "pairs_within", "sign"]

_PAIRS_AT_A_TIME: Final = 1 << 16


def sign(texts: pa.Array | pa.ChunkedArray, near: NearDuplicates) -> NDArray[np.uint64]:
    """One key per band for each text, rows × bands; all zero for a text without words.

    Equal keys of a band make two texts candidates. The keys depend on the text and on `near`
    alone, so parts can be signed in any process.
    """
    # Kernels load numba, which the commands and the pipelines do without until they need it.
    from factory.overlap.minhash import bands_and_rows, permutations, sign_runs
    from factory.overlap.runs import hash_runs

    bands, rows = bands_and_rows(near.threshold)
    keys = np.empty((len(texts), bands), dtype=np.uint64)
    begin = 0
    for runs, ends in hash_runs(texts, near.words):
        some = keys[begin : begin + len(ends)]
        sign_runs(runs, ends, permutations(bands * rows), rows, some)
        begin += len(ends)
    return keys


def pairs_within(
    texts: pa.Array | pa.ChunkedArray, groups: NDArray[np.int64], near: NearDuplicates
) -> Pairs:
    """Every two rows of one group that are near, compared directly; sorted by row.

    Args:
        groups: Group of each text; less than 0: of none. Each two rows of a group are compared.
    """
    from factory.overlap.pairs import compare_groups
    from factory.overlap.spill import shingles_of

    order = np.argsort(groups, kind="stable").astype(np.int64)
    order = order[groups[order] >= 0]
    hashes, offsets = shingles_of(texts, near.words)
    room = max(_PAIRS_AT_A_TIME, len(order) + 1)
    found = np.empty((room, 2), dtype=np.int64)
    similarity = np.empty(room, dtype=np.float64)
    rows: list[NDArray[np.int64]] = [found[:0].copy()]
    indexes: list[NDArray[np.float64]] = [similarity[:0].copy()]
    place = 0
    while place < len(order):
        count, place = compare_groups(
            order, groups, hashes, offsets, near.threshold, found, similarity, place
        )
        rows.append(found[:count].copy())
        indexes.append(similarity[:count].copy())
    both, index = np.concatenate(rows), np.concatenate(indexes)
    by_row = np.lexsort((both[:, 1], both[:, 0]))
    return Pairs(both[by_row, 0], both[by_row, 1], index[by_row])


def find_clusters(
    bands: NDArray[np.uint64],
    *,
    groups: NDArray[np.int64],
    found: Pairs,
    near: NearDuplicates,
    read: Read,
    scratch: Path,
) -> Clusters:
    """The connected components of near rows.

    Args:
        bands: `sign` of all rows, in memory or mapped (`mapped_bands`). A row of zeros is near
            nothing.
        groups: Group of each row; less than 0: of none. Two rows of one group are near only where
            `found` has them, or where their sets are equal.
        found: The near pairs of `pairs_within`.
        read: The texts of some rows (ascending), batch by batch with their rows, in that order;
            called once, and only for rows that are candidates.
        scratch: Folder for the runs of words of the candidates, eight bytes each; what is written
            there is gone at the end, also after a failure.
    """
    return cluster_rows(bands, groups=groups, found=found, near=near, read=read, scratch=scratch)
