"""MinHash signatures of texts, as one key per band."""

# Within a kernel numpy's scalars are ints.
# pyright: reportArgumentType=false
from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

_MOST_PERMUTATIONS: Final = 256
_MOST_ROWS: Final = 32
_RECALL: Final = 0.997
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE: Final = 64
"""Hashes that LLVM takes in one turn of the loop; what is left over would go one by one."""
_U29: Final = np.uint64(29)
_U32: Final = np.uint64(32)


@cache
def bands_and_rows(threshold: float) -> tuple[int, int]:
    """The bands, and the rows of each, that find a pair at the threshold with a chance of 0.997.

    Of the numbers of rows with which at most 256 permutations do that, the largest: it makes the
    fewest candidates below the threshold.
    """
    for rows in range(_MOST_ROWS, 0, -1):
        equal = threshold**rows
        bands = 1 if equal >= _RECALL else math.ceil(math.log(1 - _RECALL) / math.log1p(-equal))
        if bands * rows <= _MOST_PERMUTATIONS:
            return bands, rows
    raise ValueError(f"threshold {threshold}: expected at least 0.03")


@cache
def permutations(count: int) -> NDArray[np.uint32]:
    """Odd multipliers and addends of permutations of 32 bits, always the same: 2 × count."""
    drawn = np.random.Generator(np.random.PCG64(0x5EED)).integers(
        0, 1 << 32, size=(2, _MOST_PERMUTATIONS), dtype=np.uint32
    )
    drawn[0] |= np.uint32(1)
    return np.ascontiguousarray(drawn[:, :count])


@njit(cache=True, nogil=True)
def sign_runs(
    runs: NDArray[np.uint64],
    ends: NDArray[np.int64],
    factors: NDArray[np.uint32],
    rows: int,
    keys: NDArray[np.uint64],
) -> None:
    """Write the band keys of each text to `keys` (texts × bands); zeros for a text without runs.

    Args:
        runs, ends: As `hash_texts` makes them.
        factors: `permutations(bands * rows)`.
        rows: Permutations per band.
    """
    longest = 0
    begin = 0
    for row in range(len(ends)):
        longest = max(longest, ends[row] - begin)
        begin = ends[row]
    short = np.empty(longest + _AT_ONCE, dtype=np.uint32)
    least = np.empty(factors.shape[1], dtype=np.uint32)
    begin = 0
    for row in range(len(ends)):
        count = ends[row] - begin
        if count == 0:
            keys[row, :] = np.uint64(0)
            continue
        for number in range(count):
            short[number] = np.uint32(runs[begin + number])
        begin = ends[row]
        padded = (count + _AT_ONCE - 1) // _AT_ONCE * _AT_ONCE
        for number in range(count, padded):
            short[number] = short[0]
        for number in range(len(least)):
            multiplier = factors[0, number]
            addend = factors[1, number]
            lowest = np.uint32(0xFFFFFFFF)
            for position in range(padded):
                lowest = min(lowest, np.uint32(short[position] * multiplier + addend))
            least[number] = lowest
        for band in range(keys.shape[1]):
            state = np.uint64(0)
            for number in range(band * rows, band * rows + rows):
                state = (state ^ np.uint64(least[number])) * _MULTIPLIER
                state ^= state >> _U29
            state *= _MULTIPLIER
            state ^= state >> _U32
            keys[row, band] = max(state, np.uint64(1))
