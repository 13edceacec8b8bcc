"""Hashes of the runs of words of texts, read from their UTF-8 bytes without making strings.

Words are found in blocks of 64 bytes, and hashed eight bytes at a time; only those with a
character beyond ASCII are read character by character, by the table of `letters`.
"""

# Within a kernel numpy's scalars are ints. What a kernel calls stands in its module: the cache of
# compiled kernels sees no change elsewhere.
# pyright: reportArgumentType=false
from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

LETTERS: Final = 0x20000
"""Code points in the table: the planes in which letters have case."""
_BEYOND: Final = 0x40000
"""Up to here there are ideographs."""
CODE: Final = (1 << 24) - 1
"""The bits of an entry of the table that are the lower case."""
SPACE: Final = 1 << 24
ALONE: Final = 1 << 25
"""A word of its own."""
LOOSE: Final = 1 << 26
"""Perhaps not in Unicode's form NFC: not itself, or not where it stands."""

_U0: Final = np.uint64(0)
_U1: Final = np.uint64(1)
_U2: Final = np.uint64(2)
_U7: Final = np.uint64(7)
_U29: Final = np.uint64(29)
_U33: Final = np.uint64(33)
_U56: Final = np.uint64(56)
_U58: Final = np.uint64(58)
_U63: Final = np.uint64(63)
_LOW: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH: Final = np.uint64(0x8080808080808080)
_EVERY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_BLANK: Final = np.uint64(0x20)
_BLANKS: Final = np.uint64(0x2020202020202020)
# Added to a byte below 128, each of these sets its highest bit from a certain character on.
_FROM_TAB: Final = np.uint64(0x7777777777777777)
_PAST_RETURN: Final = np.uint64(0x7272727272727272)
_FROM_SEPARATOR: Final = np.uint64(0x6464646464646464)
_PAST_BLANK: Final = np.uint64(0x5F5F5F5F5F5F5F5F)
_FROM_A: Final = np.uint64(0x3F3F3F3F3F3F3F3F)
_PAST_Z: Final = np.uint64(0x2525252525252525)
_GATHER: Final = np.uint64(0x0102040810204080)
"""Multiplied with the lowest bit of each byte, it brings them together in the highest byte."""
_DE_BRUIJN: Final = 0x03F79D71B4CB0A89
_DE_BRUIJN_64: Final = np.uint64(_DE_BRUIJN)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_LENGTH: Final = np.uint64(0xD6E8FEB86659FD93)
_BASE: Final = np.uint64(0xA0761D6478BD642F)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)


@cache
def bit_numbers() -> NDArray[np.int64]:
    """Which bit is set, by the highest six bits of its product with a de Bruijn sequence."""
    numbers = np.zeros(64, dtype=np.int64)
    for bit in range(64):
        numbers[((1 << bit) * _DE_BRUIJN & (1 << 64) - 1) >> 58] = bit
    return numbers


@njit(nogil=True, inline="always")
def _load(data: NDArray[np.uint8], at: np.uint64) -> np.uint64:
    """Eight bytes, lowest first; LLVM makes one instruction of it."""
    return (
        np.uint64(data[at])
        | (np.uint64(data[at + np.uint64(1)]) << np.uint64(8))
        | (np.uint64(data[at + np.uint64(2)]) << np.uint64(16))
        | (np.uint64(data[at + np.uint64(3)]) << np.uint64(24))
        | (np.uint64(data[at + np.uint64(4)]) << np.uint64(32))
        | (np.uint64(data[at + np.uint64(5)]) << np.uint64(40))
        | (np.uint64(data[at + np.uint64(6)]) << np.uint64(48))
        | (np.uint64(data[at + np.uint64(7)]) << np.uint64(56))
    )


@njit(nogil=True)
def _last_bytes(data: NDArray[np.uint8], at: int) -> np.uint64:
    """The bytes from `at`, lowest first; blanks beyond the data."""
    chunk = _BLANKS
    for number in range(min(len(data) - at, 8)):
        chunk ^= (_BLANK ^ np.uint64(data[at + number])) << np.uint64(8 * number)
    return chunk


@njit(nogil=True, inline="always")
def _spaces(chunk: np.uint64) -> np.uint64:
    """A bit for each of eight bytes: whether it is white space of ASCII."""
    low = chunk & _LOW
    space = (low + _FROM_TAB) & ~(low + _PAST_RETURN)
    space |= (low + _FROM_SEPARATOR) & ~(low + _PAST_BLANK)
    return (((space & ~chunk & _HIGH) >> _U7) * _GATHER) >> _U56


@njit(nogil=True, inline="always")
def _lower(chunk: np.uint64) -> np.uint64:
    """Eight bytes of ASCII in lower case."""
    low = chunk & _LOW
    return chunk | (((low + _FROM_A) & ~(low + _PAST_Z) & _HIGH) >> _U2)


@njit(nogil=True, inline="always")
def _absorb(state: np.uint64, chunk: np.uint64) -> np.uint64:
    """The hash of a word after eight more bytes of it, or its last ones."""
    state = (state ^ chunk) * _MULTIPLIER
    return state ^ (state >> _U29)


@njit(nogil=True)
def _find_words(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    bits: NDArray[np.int64],
    edges: NDArray[np.int64],
) -> int:
    """Write where each word begins and ends to `edges`, in turns; how many words there are.
    White space beyond ASCII ends no word here."""
    before = _U1
    count = 0
    for at in range(start, stop, 64):
        space = _U0
        if at + 64 <= len(data):
            for number in range(8):
                chunk = _load(data, np.uint64(at + 8 * number))
                space |= _spaces(chunk) << np.uint64(8 * number)
        else:
            for number in range(8):
                space |= _spaces(_last_bytes(data, at + 8 * number)) << np.uint64(8 * number)
        if stop - at < 64:
            space |= _EVERY << np.uint64(stop - at)
        turns = space ^ (space << _U1 | before)
        before = space >> _U63
        while turns != _U0:
            lowest = turns & (~turns + _U1)
            edges[np.uint64(count)] = at + bits[(lowest * _DE_BRUIJN_64) >> _U58]
            count += 1
            turns ^= lowest
    if count & 1:
        edges[count] = stop
    return (count + 1) >> 1


@njit(nogil=True)
def _code_at(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """The code point at `at`, and how many bytes it has; a byte that fits nowhere is one."""
    first = int(data[at])
    if first >= 0xF0 and at + 4 <= stop:
        return (
            (first & 0x07) << 18
            | (int(data[at + 1]) & 0x3F) << 12
            | (int(data[at + 2]) & 0x3F) << 6
            | (int(data[at + 3]) & 0x3F)
        ), 4
    if first >= 0xE0 and at + 3 <= stop:
        return (
            (first & 0x0F) << 12 | (int(data[at + 1]) & 0x3F) << 6 | (int(data[at + 2]) & 0x3F)
        ), 3
    if first >= 0xC0 and at + 2 <= stop:
        return (first & 0x1F) << 6 | (int(data[at + 1]) & 0x3F), 2
    return first, 1


@njit(nogil=True)
def _bytes_of(code: int) -> tuple[np.uint64, int]:
    """The UTF-8 bytes of a code point, lowest first, and how many there are."""
    if code < 0x80:
        return np.uint64(code), 1
    last = 0x80 | (code & 0x3F)
    if code < 0x800:
        return np.uint64(0xC0 | (code >> 6) | last << 8), 2
    third = 0x80 | ((code >> 6) & 0x3F)
    if code < 0x10000:
        return np.uint64(0xE0 | (code >> 12) | third << 8 | last << 16), 3
    second = 0x80 | ((code >> 12) & 0x3F)
    return np.uint64(0xF0 | (code >> 18) | second << 8 | third << 16 | last << 24), 4


@njit(nogil=True)
def _hash_letters(
    data: NDArray[np.uint8],
    at: int,
    stop: int,
    table: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    count: int,
) -> tuple[int, bool]:
    """Append the hashes of the words of `data[at:stop]`, which has no white space of ASCII; how
    many there are now, and whether a character is loose."""
    loose = False
    state = _U0
    length = 0
    waiting = _U0
    while at < stop:
        code, size = _code_at(data, at, stop)
        kind = code | ALONE if code < _BEYOND else code
        if code < LETTERS:
            kind = np.int64(table[code])
        at += size
        loose = loose or (kind & LOOSE) != 0
        if kind & (SPACE | ALONE):
            if length:
                state = _absorb(state, waiting) if length & 7 else state
                hashes[count] = state ^ (np.uint64(length) * _LENGTH)
                count += 1
                state = _U0
                length = 0
                waiting = _U0
            if kind & ALONE:
                hashes[count] = _absorb(_U0, np.uint64(kind & CODE)) ^ _LENGTH
                count += 1
            continue
        encoded, size = _bytes_of(kind & CODE)
        filled = length & 7
        waiting |= encoded << np.uint64(8 * filled)
        length += size
        if filled + size >= 8:
            state = _absorb(state, waiting)
            waiting = encoded >> np.uint64(8 * (8 - filled)) if filled + size > 8 else _U0
    if length:
        state = _absorb(state, waiting) if length & 7 else state
        hashes[count] = state ^ (np.uint64(length) * _LENGTH)
        count += 1
    return count, loose


@njit(cache=True, nogil=True)
def hash_texts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.int32],
    bits: NDArray[np.int64],
    words: int,
    runs: NDArray[np.uint64],
    ends: NDArray[np.int64],
    loose: NDArray[np.bool_],
) -> None:
    """Hash the runs of `words` words of each text.

    Args:
        data: UTF-8; text `n` is `data[offsets[n] : offsets[n + 1]]`.
        table: `letters()`.
        bits: `bit_numbers()`.
        runs: Gets the hashes of the runs of all texts, in order; those of text `n` end before
            `ends[n]`. At least half as many elements as the texts have bytes, and one per text.
        loose: Gets whether the text has a character that may not be in Unicode's form NFC.
    """
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    edges = np.empty(longest + 2, dtype=np.int64)
    hashes = np.empty(longest // 2 + 2, dtype=np.uint64)
    begin = 0
    for row in range(len(offsets) - 1):
        found = _find_words(data, offsets[row], offsets[row + 1], bits, edges)
        loose[row] = False
        count = 0
        for number in range(found):
            at = edges[np.uint64(2 * number)]
            stop = edges[np.uint64(2 * number + 1)]
            left = stop - at
            state = _U0
            beyond = _U0
            while left > 8:
                chunk = _load(data, np.uint64(at))
                beyond |= chunk
                state = _absorb(state, _lower(chunk))
                at += 8
                left -= 8
            chunk = _load(data, np.uint64(at)) if at + 8 <= len(data) else _last_bytes(data, at)
            chunk &= _EVERY >> np.uint64(64 - 8 * left)
            if (beyond | chunk) & _HIGH == _U0:
                state = _absorb(state, _lower(chunk))
                length = stop - edges[np.uint64(2 * number)]
                hashes[np.uint64(count)] = state ^ (np.uint64(length) * _LENGTH)
                count += 1
            else:
                count, some = _hash_letters(data, edges[2 * number], stop, table, hashes, count)
                loose[row] = loose[row] or some
        size = min(count, words)
        made = count - size + 1 if count else 0
        out = runs[begin : begin + made]
        begin += made
        ends[row] = begin
        for number in range(made):
            out[number] = hashes[number]
        for word in range(1, size):
            later = hashes[word : word + made]
            for number in range(made):
                out[number] = out[number] * _BASE + later[number]
        for number in range(made):
            # Every bit of the result depends on all others: the finaliser of MurmurHash3.
            value = out[number]
            value = (value ^ (value >> _U33)) * _MIX_1
            value = (value ^ (value >> _U33)) * _MIX_2
            out[number] = value ^ (value >> _U33)
