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

from factory.overlap.words import absorb, hash_runs, mix

_MOST_PERMUTATIONS: Final = 256
_RECALL: Final = 0.997
_MOST_ROWS: Final = 32


@cache
def bands_and_rows(threshold: float) -> tuple[int, int]:
    """The bands, and the rows of each, that find a pair at the threshold with a chance of 0.997.

    Of the numbers of rows with which at most 256 permutations do that, the largest: it makes the
    fewest candidates below the threshold.
    """
    for rows in range(_MOST_ROWS, 0, -1):
        equal = threshold**rows
        bands = 1 if equal >= _RECALL else math.ceil(math.log(1 - _RECALL) / math.log(1 - equal))
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
def sign_rows(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.int32],
    words: int,
    factors: NDArray[np.uint32],
    rows: int,
    keys: NDArray[np.uint64],
) -> None:
    """Write the band keys of each text to `keys` (texts × bands); zeros for a text without words.

    Args:
        data, offsets: As `text_buffers` gives them.
        table: `letters()`.
        factors: `permutations(bands * rows)`.
        rows: Permutations per band.
    """
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    runs = np.empty(longest // 2 + 3, dtype=np.uint64)
    short = np.empty(longest // 2 + 3, dtype=np.uint32)
    least = np.empty(factors.shape[1], dtype=np.uint32)
    for row in range(len(offsets) - 1):
        count = hash_runs(data, offsets[row], offsets[row + 1], table, words, runs)
        if count == 0:
            keys[row, :] = np.uint64(0)
            continue
        for number in range(count):
            short[number] = np.uint32(runs[number])
        for number in range(factors.shape[1]):
            multiplier = factors[0, number]
            addend = factors[1, number]
            best = np.uint32(0xFFFFFFFF)
            for position in range(count):
                best = min(best, np.uint32(short[position] * multiplier + addend))
            least[number] = best
        for band in range(keys.shape[1]):
            state = np.uint64(0)
            for number in range(band * rows, band * rows + rows):
                state = absorb(state, np.uint64(least[number]))
            keys[row, band] = max(mix(state), np.uint64(1))
