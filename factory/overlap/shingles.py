"""Sets of the hashes of runs of words: sorted, each once, and how much two of them share."""

# Within a kernel numpy's scalars are ints.
# pyright: reportArgumentType=false
from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from factory.overlap.words import hash_runs


@njit(cache=True, nogil=True)
def _spread(values: NDArray[np.uint64], count: int, out: NDArray[np.uint64], start: int) -> int:
    """Write the first `count` values to `out[start:]`, sorted and each once; how many there are.

    The values are hashes, evenly spread: counted by their highest bits they are nearly sorted.
    """
    bits = 0
    while (1 << bits) < count and bits < 24:
        bits += 1
    shift = np.uint64(64 - bits) if bits else np.uint64(63)
    ends = np.zeros((1 << bits) + 2, dtype=np.int64)
    for number in range(count):
        ends[np.int64(values[number] >> shift) + 1] += 1
    for number in range(1, len(ends)):
        ends[number] += ends[number - 1]
    for number in range(count):
        value = values[number]
        group = np.int64(value >> shift)
        out[start + ends[group]] = value
        ends[group] += 1
    for number in range(start + 1, start + count):
        value = out[number]
        place = number
        while place > start and out[place - 1] > value:
            out[place] = out[place - 1]
            place -= 1
        out[place] = value
    kept = 0
    for number in range(start, start + count):
        if kept == 0 or out[number] != out[start + kept - 1]:
            out[start + kept] = out[number]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def shingle_rows(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.int32],
    words: int,
    out: NDArray[np.uint64],
    sizes: NDArray[np.int64],
) -> int:
    """Write the set of each text to `out`, one after the other, and its size to `sizes`; the sum.

    Args:
        data, offsets: As `text_buffers` gives them.
        table: `letters()`.
        out: At least half as many elements as the texts have bytes, and two more per text.
    """
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    runs = np.empty(longest // 2 + 3, dtype=np.uint64)
    end = 0
    for row in range(len(offsets) - 1):
        count = hash_runs(data, offsets[row], offsets[row + 1], table, words, runs)
        sizes[row] = _spread(runs, count, out, end)
        end += sizes[row]
    return end


@njit(cache=True, nogil=True)
def jaccard(
    hashes: NDArray[np.uint64],
    first: int,
    first_end: int,
    second: int,
    second_end: int,
    threshold: float,
) -> float:
    """The Jaccard index of two sets of `hashes`; -1 as soon as it is sure to be below the
    threshold."""
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
