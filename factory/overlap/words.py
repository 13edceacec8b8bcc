"""Hashes of the runs of words of a text, read from its UTF-8 bytes without making strings.

A word is a run of characters that are no white space (as `str.isspace` has it), in lower case
character by character; a Han or kana character is a word of its own. Eight bytes are taken at a
time; only words with a character beyond ASCII are read character by character.
"""

# Within a kernel numpy's scalars are ints.
# pyright: reportArgumentType=false
from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

_PLANES: Final = 0x20000
"""Code points in the table: the planes in which letters have case. Beyond are ideographs."""
_SPACE: Final = 1 << 24
_ALONE: Final = 1 << 25
_CODE: Final = _SPACE - 1
_IDEOGRAPH: Final = _ALONE
_ALONE_RANGES: Final = (
    (0x2E80, 0x2FE0),  # radicals
    (0x3005, 0x3008),  # iteration mark, closing mark, zero
    (0x3021, 0x302A),
    (0x3031, 0x3036),
    (0x3038, 0x3040),
    (0x3040, 0x3100),  # Hiragana and Katakana
    (0x31F0, 0x3200),
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xF900, 0xFB00),
    (0xFF66, 0xFFA0),  # half-width Katakana
    (0x1AFF0, 0x1B170),
)

_U0: Final = np.uint64(0)
_U1: Final = np.uint64(1)
_U2: Final = np.uint64(2)
_U7: Final = np.uint64(7)
_U29: Final = np.uint64(29)
_U32: Final = np.uint64(32)
_U56: Final = np.uint64(56)
_LOW: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH: Final = np.uint64(0x8080808080808080)
_BLANKS: Final = np.uint64(0x2020202020202020)
_FROM_TAB: Final = np.uint64(0x7777777777777777)
_PAST_RETURN: Final = np.uint64(0x7272727272727272)
_FROM_SEPARATOR: Final = np.uint64(0x6464646464646464)
_PAST_BLANK: Final = np.uint64(0x5F5F5F5F5F5F5F5F)
_FROM_A: Final = np.uint64(0x3F3F3F3F3F3F3F3F)
_PAST_Z: Final = np.uint64(0x2525252525252525)
_BYTE_NUMBER: Final = np.uint64(0x0001020304050607)
_EVERY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_LENGTH: Final = np.uint64(0xD6E8FEB86659FD93)
_BASE: Final = np.uint64(0xA0761D6478BD642F)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_U33: Final = np.uint64(33)


@cache
def letters() -> NDArray[np.int32]:
    """For each code point of the first planes: its lower case, and what kind it is."""
    table = np.arange(_PLANES, dtype=np.int32)
    for code in range(_PLANES):
        if 0xD800 <= code < 0xE000:
            continue
        lower = chr(code).lower()
        if len(lower) == 1:
            table[code] = ord(lower)
        if chr(code).isspace():
            table[code] |= _SPACE
    for first, last in _ALONE_RANGES:
        table[first:last] |= _ALONE
    return table


@njit(cache=True, nogil=True)
def absorb(state: np.uint64, chunk: np.uint64) -> np.uint64:
    """The state of a word's hash after eight more bytes (or the last ones)."""
    state = (state ^ chunk) * _MULTIPLIER
    return state ^ (state >> _U29)


@njit(cache=True, nogil=True)
def mix(value: np.uint64) -> np.uint64:
    """Every bit of the result depends on every bit of the value (the finaliser of MurmurHash3)."""
    value = (value ^ (value >> _U33)) * _MIX_1
    value = (value ^ (value >> _U33)) * _MIX_2
    return value ^ (value >> _U33)


@njit(cache=True, nogil=True)
def eight_bytes(data: NDArray[np.uint8], at: int, stop: int) -> np.uint64:
    """The bytes from `at`, lowest first; blanks from `stop` on."""
    if at + 8 <= stop:
        return (
            np.uint64(data[np.uint64(at)])
            | (np.uint64(data[np.uint64(at + 1)]) << np.uint64(8))
            | (np.uint64(data[np.uint64(at + 2)]) << np.uint64(16))
            | (np.uint64(data[np.uint64(at + 3)]) << np.uint64(24))
            | (np.uint64(data[np.uint64(at + 4)]) << np.uint64(32))
            | (np.uint64(data[np.uint64(at + 5)]) << np.uint64(40))
            | (np.uint64(data[np.uint64(at + 6)]) << np.uint64(48))
            | (np.uint64(data[np.uint64(at + 7)]) << np.uint64(56))
        )
    chunk = _BLANKS
    for number in range(stop - at):
        shift = np.uint64(8 * number)
        chunk ^= (np.uint64(0x20) ^ np.uint64(data[at + number])) << shift
    return chunk


@njit(cache=True, nogil=True)
def _push(
    out: NDArray[np.uint64],
    count: int,
    words: int,
    drop: np.uint64,
    run: np.uint64,
    word: np.uint64,
) -> np.uint64:
    """The rolling hash with one more word; word `n` waits in slot `n + 1` until it leaves the
    run, and there the hash of the run that begins after it takes its place."""
    run = run * _BASE + word
    out[count + 1] = word
    first = count + 1 - words
    if first > 0:
        run -= out[first] * drop
    if first >= 0:
        out[first] = mix(run)
    return run


@njit(cache=True, nogil=True)
def hash_runs(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    table: NDArray[np.int32],
    words: int,
    out: NDArray[np.uint64],
) -> int:
    """Write the hashes of a text's runs of `words` words to `out`, in order; how many there are.

    Args:
        data: UTF-8; the text is `data[start:stop]`.
        table: `letters()`.
        out: At least two more elements than the text can have words.
    """
    drop = _U1
    for _ in range(words):
        drop *= _BASE
    count = 0
    run = _U0
    at = start
    state = _U0
    length = 0
    while at < stop:
        chunk = eight_bytes(data, at, stop)
        low = chunk & _LOW
        space = (low + _FROM_TAB) & ~(low + _PAST_RETURN)
        space |= (low + _FROM_SEPARATOR) & ~(low + _PAST_BLANK)
        space &= ~chunk & _HIGH
        inside = _EVERY
        taken = 8
        ended = False
        if space != _U0:
            first = (space & (~space + _U1)) >> _U7
            inside = first - _U1
            taken = np.int64((first * _BYTE_NUMBER) >> _U56)
            ended = True
        if chunk & _HIGH & inside == _U0:
            if taken > 0:
                upper = (low + _FROM_A) & ~(low + _PAST_Z) & _HIGH
                state = absorb(state, (chunk | (upper >> _U2)) & inside)
                length += taken
            at += taken + ended
        else:
            waiting = _U0
            filled = 0
            ended = False
            while at < stop and not ended:
                first_byte = np.int64(data[at])
                code = first_byte
                size = 1
                if first_byte >= 0xF0 and at + 4 <= stop:
                    code = (
                        ((first_byte & 0x07) << 18)
                        | ((np.int64(data[at + 1]) & 0x3F) << 12)
                        | ((np.int64(data[at + 2]) & 0x3F) << 6)
                        | (np.int64(data[at + 3]) & 0x3F)
                    )
                    size = 4
                elif first_byte >= 0xE0 and at + 3 <= stop:
                    code = (
                        ((first_byte & 0x0F) << 12)
                        | ((np.int64(data[at + 1]) & 0x3F) << 6)
                        | (np.int64(data[at + 2]) & 0x3F)
                    )
                    size = 3
                elif first_byte >= 0xC0 and at + 2 <= stop:
                    code = ((first_byte & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F)
                    size = 2
                kind = np.int64(table[code]) if code < _PLANES else code | _IDEOGRAPH
                at += size
                if kind & _SPACE:
                    ended = True
                    continue
                if kind & _ALONE:
                    if filled:
                        state = absorb(state, waiting)
                        waiting = _U0
                        filled = 0
                    if length:
                        word = state ^ (np.uint64(length) * _LENGTH)
                        run = _push(out, count, words, drop, run, word)
                        count += 1
                    state = absorb(_U0, np.uint64(kind & _CODE))
                    length = -1
                    ended = True
                    continue
                code = kind & _CODE
                encoded = np.uint64(code)
                size = 1
                if code >= 0x10000:
                    encoded = np.uint64(
                        (0xF0 | (code >> 18))
                        | ((0x80 | ((code >> 12) & 0x3F)) << 8)
                        | ((0x80 | ((code >> 6) & 0x3F)) << 16)
                        | ((0x80 | (code & 0x3F)) << 24)
                    )
                    size = 4
                elif code >= 0x800:
                    encoded = np.uint64(
                        (0xE0 | (code >> 12))
                        | ((0x80 | ((code >> 6) & 0x3F)) << 8)
                        | ((0x80 | (code & 0x3F)) << 16)
                    )
                    size = 3
                elif code >= 0x80:
                    encoded = np.uint64((0xC0 | (code >> 6)) | ((0x80 | (code & 0x3F)) << 8))
                    size = 2
                waiting |= encoded << np.uint64(8 * filled)
                length += size
                filled += size
                if filled >= 8:
                    state = absorb(state, waiting)
                    filled -= 8
                    waiting = encoded >> np.uint64(8 * (size - filled)) if filled else _U0
            if filled:
                state = absorb(state, waiting)
        if (ended or at >= stop) and length != 0:
            word = state ^ (np.uint64(length) * _LENGTH)
            run = _push(out, count, words, drop, run, word)
            count += 1
            state = _U0
            length = 0
    if count == 0:
        return 0
    if count < words:
        out[0] = mix(run)
        return 1
    return count - words + 1
