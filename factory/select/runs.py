"""Hashes of the runs of words of many texts, from their bytes, without an object per word.

Words are what `str.split` gives. Two uses: quick signs that a text may repeat itself, so that most
texts need no closer look, and sketches of what a text says, to tell how alike two are. The kernels
are compiled at their first use and kept beside this file, which is imported only where they are
needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from factory.select.loops import LONGEST_BLOCK, LOOP_CHARACTERS, RUN_WORDS

_FEW_RUNS: Final = 8
_SEED: Final = 20
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xFF51AFD7ED558CCD)
_U1: Final = np.uint64(1)
_U32: Final = np.uint64(32)


def may_repeat(texts: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """Which texts need a closer look for loops and passages that come back.

    Every loop that `loops` finds has runs of `RUN_WORDS` words that come again at the distance of
    its block, and every passage that counts there has runs that stand three times; so it is also
    where all digits are taken for the same. A sign may be false; a text without one has neither.
    """
    signs = [np.zeros(0, np.bool_)]
    for data, offsets in _buffers(texts):
        found = np.zeros(len(offsets) - 1, np.bool_)
        _signs(data, offsets, _numbers(alike=True), found)
        signs.append(found)
    return np.concatenate(signs)


def least_hashes(
    texts: pa.Array | pa.ChunkedArray, *, words: int, values: int
) -> NDArray[np.uint32]:
    """MinHash of each text's set of runs of so many words: texts × values, equal on every machine.

    A text with fewer words is one run of all of them.
    """
    factors = np.random.Generator(np.random.PCG64(_SEED)).integers(
        0, 1 << 32, size=(2, values), dtype=np.uint32
    )
    factors[0] |= np.uint32(1)
    signed = [np.zeros((0, values), np.uint32)]
    for data, offsets in _buffers(texts):
        found = np.full((len(offsets) - 1, values), 0xFFFFFFFF, np.uint32)
        _least(data, offsets, _numbers(alike=False), words, factors, found)
        signed.append(found)
    return np.concatenate(signed)


def _buffers(
    texts: pa.Array | pa.ChunkedArray,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Bytes of each chunk, and where its texts begin and end in them."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    for chunk in chunks:
        if len(chunk):
            _, offsets, data = chunk.cast(pa.large_string()).buffers()
            ends = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
            none = np.zeros(0, np.uint8)
            yield none if data is None else np.frombuffer(data, np.uint8), ends


@cache
def _numbers(*, alike: bool) -> NDArray[np.uint64]:
    """An odd number for each byte; `alike`: the same for all digits."""
    numbers = np.random.Generator(np.random.PCG64(_SEED)).integers(
        0, 1 << 63, size=256, dtype=np.uint64
    )
    if alike:
        numbers[ord("0") : ord("9") + 1] = numbers[ord("0")]
    return numbers | _U1


@njit(cache=True, nogil=True)
def _space(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """How many bytes of white space stand there: 0 to 3."""
    byte = data[at]
    if byte <= 0x20:
        return 1 if byte == 0x20 or 0x09 <= byte <= 0x0D or 0x1C <= byte <= 0x1F else 0
    if byte == 0xC2 and at + 1 < stop:
        return 2 if data[at + 1] == 0x85 or data[at + 1] == 0xA0 else 0
    if (byte == 0xE1 or byte == 0xE2 or byte == 0xE3) and at + 2 < stop:
        second, third = data[at + 1], data[at + 2]
        if byte == 0xE1:
            return 3 if second == 0x9A and third == 0x80 else 0
        if byte == 0xE3:
            return 3 if second == 0x80 and third == 0x80 else 0
        if second == 0x81:
            return 3 if third == 0x9F else 0
        known = third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF
        return 3 if second == 0x80 and known else 0
    return 0


@njit(cache=True, nogil=True)
def _run_hashes(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    numbers: NDArray[np.uint64],
    words: int,
    out: NDArray[np.uint64],
) -> int:
    """Write the hash of each run to `out`, in order; how many there are. There each word waits
    for the run that begins with it."""
    drop = _U1
    for _ in range(words):
        drop *= _BASE
    count = 0
    run = word = leaving = np.uint64(0)
    at = start
    while at <= stop:
        width = _space(data, at, stop) if at < stop else 1
        if width == 0:
            word = (word + numbers[data[at]]) * _BASE
            word ^= word >> _U32
            at += 1
            continue
        at += width
        if word == 0:
            continue
        run = run * _BASE + word
        out[count] = word
        count += 1
        word = np.uint64(0)
        if count > words:
            run -= leaving * drop
        if count >= words:
            leaving = out[count - words]
            out[count - words] = run
    if 0 < count < words:
        out[0] = run
        return 1
    return max(count - words + 1, 0)


@njit(cache=True, nogil=True)
def _longest(offsets: NDArray[np.int64]) -> int:
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    return longest


@njit(cache=True, nogil=True)
def _signs(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    numbers: NDArray[np.uint64],
    found: NDArray[np.bool_],
) -> None:
    most = _longest(offsets) // 2 + 2
    runs = np.empty(most, np.uint64)
    last = np.empty(most, np.int64)
    times = np.empty(most, np.int64)
    slots = 1
    while slots < 2 * most:
        slots *= 2
    holder = np.empty(slots, np.int64)
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        width = 0
        for at in range(start, stop):
            width = 0 if data[at] <= 0x20 else width + 1
            if width >= LOOP_CHARACTERS:
                found[row] = True
                break
        if found[row]:
            continue
        count = _run_hashes(data, start, stop, numbers, RUN_WORDS, runs)
        size = 1
        while size < 2 * count:
            size *= 2
        holder[:size] = -1
        near = 0
        thrice = 0
        for number in range(count):
            mixed = runs[number] * _MIX
            slot = np.int64((mixed ^ (mixed >> _U32)) & np.uint64(size - 1))
            while holder[slot] >= 0 and runs[holder[slot]] != runs[number]:
                slot = (slot + 1) & (size - 1)
            first = holder[slot]
            if first < 0:
                holder[slot] = number
                last[number] = number
                times[number] = 1
                continue
            near += number - last[first] <= LONGEST_BLOCK
            last[first] = number
            times[first] += 1
            thrice += times[first] >= 3
        found[row] = near >= _FEW_RUNS or thrice >= _FEW_RUNS


@njit(cache=True, nogil=True)
def _least(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    numbers: NDArray[np.uint64],
    words: int,
    factors: NDArray[np.uint32],
    found: NDArray[np.uint32],
) -> None:
    most = _longest(offsets) // 2 + 2
    runs = np.empty(most, np.uint64)
    short = np.empty(most, np.uint32)
    for row in range(len(offsets) - 1):
        count = _run_hashes(data, offsets[row], offsets[row + 1], numbers, words, runs)
        for number in range(count):
            mixed = runs[number] * _MIX
            short[number] = np.uint32((mixed ^ (mixed >> _U32)) & np.uint64(0xFFFFFFFF))
        for value in range(factors.shape[1]):
            factor, addend = factors[0, value], factors[1, value]
            best = np.uint32(0xFFFFFFFF)
            for number in range(count):
                best = min(best, np.uint32(short[number] * factor + addend))
            found[row, value] = best
