"""Sets of the hashes of runs of words: sorted, each once."""

# Within a kernel numpy's scalars are ints.
# pyright: reportArgumentType=false
from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def make_sets(runs: NDArray[np.uint64], ends: NDArray[np.int64]) -> None:
    """Turn the runs of each text into a set in place: sorted, each once; `ends` become its ends.

    The values are hashes, evenly spread: put in order of their highest bits, as many as tell them
    apart, they are nearly sorted.
    """
    longest = 0
    begin = 0
    for row in range(len(ends)):
        longest = max(longest, ends[row] - begin)
        begin = ends[row]
    spread = np.empty(longest, dtype=np.uint64)
    places = np.empty(2 * longest + 3, dtype=np.int64)
    begin = 0
    kept = 0
    for row in range(len(ends)):
        count = ends[row] - begin
        bits = 1
        while (1 << bits) < count:
            bits += 1
        shift = np.uint64(64 - bits)
        places[: (1 << bits) + 1] = 0
        for number in range(begin, begin + count):
            places[np.int64(runs[number] >> shift) + 1] += 1
        for number in range(1, 1 << bits):
            places[number] += places[number - 1]
        for number in range(begin, begin + count):
            value = runs[number]
            group = np.int64(value >> shift)
            spread[places[group]] = value
            places[group] += 1
        for number in range(1, count):
            value = spread[number]
            place = number
            while place > 0 and spread[place - 1] > value:
                spread[place] = spread[place - 1]
                place -= 1
            spread[place] = value
        begin = ends[row]
        for number in range(count):
            if number == 0 or spread[number] != spread[number - 1]:
                runs[kept] = spread[number]
                kept += 1
        ends[row] = kept
