"""Which candidates are near: exact comparison within groups, and within the buckets of a band.

Rows that are found near are joined in a forest (`parents`); the root of a tree is its smallest
row. `nearest` has for each row the highest similarity found with another row.
"""

# Within a kernel numpy's scalars are ints.
# pyright: reportArgumentType=false
from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

LARGE_BUCKET: Final = 256
"""Distinct texts of a bucket up to which each is compared with each."""
_LEADERS: Final = 64
_NEIGHBOURS: Final = 16
_EQUAL_SIGNED: Final = 8
_NO_KEY: Final = np.uint64(0)


@njit(nogil=True)
def _jaccard(
    hashes: NDArray[np.uint64],
    first: int,
    first_end: int,
    second: int,
    second_end: int,
    threshold: float,
) -> float:
    """The Jaccard index of two sets of `hashes`, each sorted; -1 as soon as it is sure to be below
    the threshold."""
    whole = first_end - first + second_end - second
    if whole == 0:
        return -1.0
    needed = threshold / (1.0 + threshold) * whole - 1e-6
    shared = 0
    while True:
        left = min(first_end - first, second_end - second)
        if shared + left < needed:
            return -1.0
        if left == 0:
            break
        for _ in range(min(left, 64)):
            one = hashes[np.uint64(first)]
            other = hashes[np.uint64(second)]
            first += one <= other
            second += other <= one
            shared += one == other
    index = shared / (whole - shared)
    return index if index >= threshold else -1.0


@njit(nogil=True)
def _root(parents: NDArray[np.int64], row: int) -> int:
    """The smallest row of the tree of `row`."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@njit(nogil=True)
def _join(
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
    first: int,
    second: int,
    similarity: float,
) -> None:
    """Join two rows that are near."""
    nearest[first] = max(nearest[first], similarity)
    nearest[second] = max(nearest[second], similarity)
    one = _root(parents, first)
    other = _root(parents, second)
    if one < other:
        parents[other] = one
    else:
        parents[one] = other


@njit(cache=True, nogil=True)
def join_all(
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    similarity: NDArray[np.float64],
) -> None:
    """Join pairs that are known, and then point every row at its root."""
    for number in range(len(first)):
        _join(parents, nearest, first[number], second[number], similarity[number])
    for row in range(len(parents)):
        parents[row] = parents[parents[row]] if parents[row] < row else row


@njit(cache=True, nogil=True)
def compare_groups(
    order: NDArray[np.int64],
    groups: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    threshold: float,
    found: NDArray[np.int64],
    similarity: NDArray[np.float64],
    begin: int,
) -> tuple[int, int]:
    """Compare each two rows of a group, from the row at `begin` of `order` on.

    Args:
        order: Rows, the groups one after the other.
        found, similarity: Where the near pairs are written; room for all of one row at least.

    Returns:
        How many pairs were found, and where to go on: the length of `order`, or less when there
        was no room.
    """
    count = 0
    for place in range(begin, len(order)):
        row = order[place]
        after = place + 1
        while after < len(order) and groups[order[after]] == groups[row]:
            after += 1
        if count + after - place > len(found):
            return count, place
        size = offsets[row + 1] - offsets[row]
        for other_place in range(place + 1, after):
            other = order[other_place]
            other_size = offsets[other + 1] - offsets[other]
            if min(size, other_size) < threshold * max(size, other_size) - 1e-6:
                continue
            index = _jaccard(
                hashes,
                offsets[row],
                offsets[row + 1],
                offsets[other],
                offsets[other + 1],
                threshold,
            )
            if index >= 0.0:
                found[count, 0] = row
                found[count, 1] = other
                similarity[count] = index
                count += 1
    return count, len(order)


@njit(cache=True, nogil=True)
def mark_shared(
    order: NDArray[np.int64],
    keys: NDArray[np.uint64],
    groups: NDArray[np.int64],
    marks: NDArray[np.bool_],
) -> None:
    """Mark the rows that share their key with a row that is not of their group.

    Args:
        order: Rows, sorted by key.
        groups: Group of each row; less than 0: of none.
    """
    begin = 0
    while begin < len(order):
        end = begin + 1
        group = groups[order[begin]]
        mixed = group < 0
        while end < len(order) and keys[order[end]] == keys[order[begin]]:
            mixed = mixed or groups[order[end]] != group
            end += 1
        if mixed and end - begin > 1 and keys[order[begin]] != _NO_KEY:
            for place in range(begin, end):
                marks[order[place]] = True
        begin = end


@njit(cache=True, nogil=True)
def join_equal(
    order: NDArray[np.int64],
    keys: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
    same: NDArray[np.int64],
) -> None:
    """Join rows whose sets are equal; `same` gets for each the first of them.

    Args:
        order: Positions in `rows`, sorted by `keys`, the sums of their sets.
        groups: By position; a set of which rows of several groups exist is of none (-1).
    """
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and keys[order[end]] == keys[order[begin]]:
            end += 1
        for place in range(begin + 1, end):
            one = order[place]
            for earlier in range(begin, min(place, begin + _EQUAL_SIGNED)):
                other = order[earlier]
                if same[other] != other:
                    continue
                index = _jaccard(
                    hashes, offsets[one], offsets[one + 1], offsets[other], offsets[other + 1], 1.0
                )
                if index >= 0.0:
                    same[one] = other
                    if groups[one] != groups[other]:
                        groups[other] = -1
                    _join(parents, nearest, rows[one], rows[other], 1.0)
                    break
        begin = end


@njit(nogil=True)
def _compare(
    one: int,
    other: int,
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    threshold: float,
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
) -> None:
    if groups[one] >= 0 and groups[one] == groups[other]:
        return
    size = offsets[one + 1] - offsets[one]
    other_size = offsets[other + 1] - offsets[other]
    if min(size, other_size) < threshold * max(size, other_size) - 1e-6:
        return
    index = _jaccard(
        hashes, offsets[one], offsets[one + 1], offsets[other], offsets[other + 1], threshold
    )
    if index >= 0.0:
        _join(parents, nearest, rows[one], rows[other], index)


@njit(cache=True, nogil=True)
def compare_buckets(
    order: NDArray[np.int64],
    keys: NDArray[np.uint64],
    band: int,
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    threshold: float,
    parents: NDArray[np.int64],
    nearest: NDArray[np.float64],
) -> None:
    """Compare the rows that share a key of a band, and join those that are near.

    Args:
        order: Positions in `rows`, sorted by their key; is sorted within small buckets. Where a
            bucket is large it is sorted by keys of other bands too.
        keys: Band keys by position. Those of large buckets become 0, so that pairs which meet
            again in another band are compared there.
    """
    leaders = np.empty(_LEADERS, dtype=np.int64)
    begin = 0
    while begin < len(order):
        key = keys[order[begin], band]
        end = begin + 1
        while end < len(order) and keys[order[end], band] == key:
            end += 1
        if key == _NO_KEY:
            begin = end
            continue
        if end - begin <= LARGE_BUCKET:
            for place in range(begin + 1, end):
                one = order[place]
                earlier = place
                while earlier > begin and order[earlier - 1] > one:
                    order[earlier] = order[earlier - 1]
                    earlier -= 1
                order[earlier] = one
            for place in range(begin + 1, end):
                one = order[place]
                for earlier in range(begin, place):
                    other = order[earlier]
                    seen = False
                    for before in range(band):
                        if keys[one, before] == keys[other, before] != _NO_KEY:
                            seen = True
                            break
                    if not seen:
                        _compare(
                            one, other, hashes, offsets, rows, groups, threshold, parents, nearest
                        )
            begin = end
            continue
        count = 0
        for place in range(begin, end):
            one = order[place]
            led = False
            for number in range(count):
                other = leaders[number]
                if _root(parents, rows[one]) != _root(parents, rows[other]):
                    _compare(one, other, hashes, offsets, rows, groups, threshold, parents, nearest)
                led = led or _root(parents, rows[one]) == _root(parents, rows[other])
            for earlier in range(max(begin, place - _NEIGHBOURS), place):
                other = order[earlier]
                if _root(parents, rows[one]) != _root(parents, rows[other]):
                    _compare(one, other, hashes, offsets, rows, groups, threshold, parents, nearest)
            if not led and count < _LEADERS:
                leaders[count] = one
                count += 1
        for place in range(begin, end):
            keys[order[place], band] = _NO_KEY
        begin = end
