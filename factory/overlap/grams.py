"""A text as two rows of characters, its words, and hashes of any stretch of them; compiled.

- `letters`: letters and digits alone. Spaces and punctuation may come, go or change, and a
  stretch stays the same; that it begins and ends with a word is checked apart.
- `signs`: letters, digits and operators, and a space between two numbers. A hyphen between words
  is no operator and a comma between thousands is nothing, as `2-3` is not `2+3`, but `well-known`
  is `well known`.

The hash of a prefix is a polynomial in a random odd number modulo 2^64, so that the hash of a
stretch is one multiplication away: `stretch`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from factory.overlap import folding

_CODE: Final = folding.CODE
_WORD: Final = folding.WORD
_SPACE: Final = folding.SPACE
_OPERATOR: Final = folding.OPERATOR
_DIGIT: Final = folding.DIGIT
_ALONE: Final = folding.ALONE
_UNREADY: Final = folding.UNREADY
_PLANES: Final = folding.PLANES

BASE: Final = np.uint64(0xA24BAED4963EE407)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_U33: Final = np.uint64(33)
_ONE: Final = np.uint64(1)
_ZERO: Final = np.uint64(0)
_BLANK: Final = np.uint64(0x20)
_POINT: Final = np.uint64(0x2E)
_COMMA: Final = 0x2C
_DOT: Final = 0x2E
_HYPHEN: Final = 0x2D
_PLUS: Final = 0x2B

UNREADY: Final = -1
"""What `read_text` gives for a text that must be folded first."""


class Scratch(NamedTuple):
    """What is known of one text; arrays that are used again for the next."""

    letters: NDArray[np.uint64]
    """Hash of the first n letters, n from 0."""
    signs: NDArray[np.uint64]
    letters_from: NDArray[np.int32]
    """Per word: where it begins in `letters`; one more, where they end."""
    signs_from: NDArray[np.int32]
    """Per word: where it begins in `signs`, with the sign of a number."""
    signs_to: NDArray[np.int32]
    token: NDArray[np.int32]
    """Per word: the number of the run of no white space that it is in."""
    weight: NDArray[np.int32]
    """Sum of the weights of the words before: 2 per word, 1 of scripts without spaces."""
    bytes_from: NDArray[np.int32]
    """Per word: where it begins in the text."""
    tokens: NDArray[np.int32]
    """One element: runs of no white space in all."""


def scratch(longest_bytes: int) -> Scratch:
    """Room for texts of at most so many bytes."""
    hashes = [np.empty(longest_bytes + 1, dtype=np.uint64) for _ in range(2)]
    numbers = [np.empty(longest_bytes // 2 + 2, dtype=np.int32) for _ in range(6)]
    return Scratch(*hashes, *numbers, np.zeros(1, dtype=np.int32))


@njit(cache=True, nogil=True)
def _letter(byte: int, table: NDArray[np.int32]) -> bool:
    if byte >= 0x80:
        return True
    kind = table[byte]
    return (kind & _WORD) != 0 and (kind & _DIGIT) == 0


@njit(cache=True, nogil=True)
def _digit(data: NDArray[np.uint8], at: int, stop: int) -> bool:
    return at < stop and 0x30 <= data[at] <= 0x39


@njit(cache=True, nogil=True)
def _joins_words(
    data: NDArray[np.uint8], at: int, after: int, start: int, stop: int, table: NDArray[np.int32]
) -> bool:
    """Whether a hyphen has two letters on either side."""
    if at - 2 < start or after + 2 > stop:
        return False
    before = _letter(data[at - 1], table) and _letter(data[at - 2], table)
    return before and _letter(data[after], table) and _letter(data[after + 1], table)


@njit(cache=True, nogil=True)
def _between_numbers(data: NDArray[np.uint8], at: int, start: int, stop: int) -> np.uint64:
    """What stands in `signs` before a digit at `at` that follows another number; 0: nothing."""
    if at - 2 >= start and 0x30 <= data[at - 2] <= 0x39:
        if data[at - 1] == _DOT:
            return _POINT
        thousands = _digit(data, at + 1, stop) and _digit(data, at + 2, stop)
        if data[at - 1] == _COMMA and thousands and not _digit(data, at + 3, stop):
            return _ZERO
    return _BLANK


@njit(cache=True, nogil=True)
def read_text(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    table: NDArray[np.int32],
    ready: bool,
    into: Scratch,
) -> int:
    """Fill `into` from the UTF-8 text `data[start:stop]`; its words, or `UNREADY`.

    Args:
        table: `folding.characters()`.
        ready: Whether the text is one of `folding.folded_text`.
    """
    letters, signs = into.letters, into.signs
    letters[0] = signs[0] = _ZERO
    n_letters = n_signs = words = 0
    tokens = 0
    weight = 0
    in_token = in_word = False
    after_digit = False  # the last of `signs`
    operator_at = -2  # byte after the operator that is the last of `signs`
    operator_opens = False
    hash_letters = hash_signs = _ZERO
    before = 0  # kind of the character before
    at = start
    while at < stop:
        first = np.int64(data[at])
        after = at + 1
        if first < 0x80:
            kind = table[first]
        else:
            code = first
            if first >= 0xF0 and at + 4 <= stop:
                code = (
                    ((first & 0x07) << 18)
                    | ((np.int64(data[at + 1]) & 0x3F) << 12)
                    | ((np.int64(data[at + 2]) & 0x3F) << 6)
                    | (np.int64(data[at + 3]) & 0x3F)
                )
                after = at + 4
            elif first >= 0xE0 and at + 3 <= stop:
                code = (
                    ((first & 0x0F) << 12)
                    | ((np.int64(data[at + 1]) & 0x3F) << 6)
                    | (np.int64(data[at + 2]) & 0x3F)
                )
                after = at + 3
            elif first >= 0xC0 and at + 2 <= stop:
                code = ((first & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F)
                after = at + 2
            kind = table[code] if code < _PLANES else np.int32(_WORD | _ALONE | code)
            if kind & _UNREADY and not ready:
                return UNREADY
        if kind & _WORD:
            code64 = np.uint64(kind & _CODE)
            digit = (kind & _DIGIT) != 0
            if not in_word or kind & _ALONE:
                if not in_token:
                    in_token = True
                    tokens += 1
                sign_from = n_signs
                if digit and after_digit:
                    between = _between_numbers(data, at, start, stop)
                    if between != _ZERO:
                        hash_signs = hash_signs * BASE + between
                        n_signs += 1
                        signs[n_signs] = hash_signs
                    sign_from = n_signs
                elif digit and operator_at == at and operator_opens:
                    sign_from = n_signs - 1
                into.letters_from[words] = n_letters
                into.signs_from[words] = sign_from
                into.token[words] = tokens - 1
                into.weight[words] = weight
                into.bytes_from[words] = at - start
                weight += 1 if kind & _ALONE else 2
                words += 1
            hash_letters = hash_letters * BASE + code64
            n_letters += 1
            letters[n_letters] = hash_letters
            hash_signs = hash_signs * BASE + code64
            n_signs += 1
            signs[n_signs] = hash_signs
            into.signs_to[words - 1] = n_signs
            after_digit = digit
            in_word = (kind & _ALONE) == 0
        elif kind & _SPACE:
            in_token = in_word = False
        else:
            if not in_token:
                in_token = True
                tokens += 1
            in_word = False
            if kind & _OPERATOR:
                code = kind & _CODE
                if code != _HYPHEN or not _joins_words(data, at, after, start, stop, table):
                    hash_signs = hash_signs * BASE + np.uint64(code)
                    n_signs += 1
                    signs[n_signs] = hash_signs
                    after_digit = False
                    operator_at = after
                    operator_opens = code in (_HYPHEN, _PLUS)
                    if before & _WORD or (at > start and data[at - 1] in (0x29, 0x5D, 0x7D)):
                        operator_opens = False
        before = kind
        at = after
    into.letters_from[words] = n_letters
    into.signs_from[words] = n_signs
    into.weight[words] = weight
    into.tokens[0] = tokens
    return words


@njit(cache=True, nogil=True)
def power(exponent: int) -> np.uint64:
    """`BASE` to that power."""
    result = _ONE
    base = BASE
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@njit(cache=True, nogil=True)
def stretch(hashes: NDArray[np.uint64], at: int, size: int) -> np.uint64:
    """The hash of `size` characters from `at`."""
    return hashes[at + size] - hashes[at] * power(size)


@njit(cache=True, nogil=True)
def mixed(value: np.uint64) -> np.uint64:
    """Every bit of the result depends on every bit of the value (the finaliser of MurmurHash3)."""
    value = (value ^ (value >> _U33)) * _MIX_1
    value = (value ^ (value >> _U33)) * _MIX_2
    return value ^ (value >> _U33)


@njit(cache=True, nogil=True)
def character(hashes: NDArray[np.uint64], at: int) -> int:
    """The character at that place, as it was folded."""
    return np.int64(hashes[at + 1] - hashes[at] * BASE)


@njit(cache=True, nogil=True)
def is_operand(read: Scratch, word: int) -> bool:
    """Whether a word may be part of an expression: a letter alone, or what begins with a digit."""
    at = read.letters_from[word]
    if read.letters_from[word + 1] - at == 1:
        return True
    return 0x30 <= character(read.letters, at) <= 0x39


@njit(cache=True, nogil=True)
def end_of_run(weight: NDArray[np.int32], words: int, first: int, end: int, wanted: int) -> int:
    """The word after a run from `first` that weighs at least `wanted`, sought from `end` on; -1
    where the text has none."""
    while end <= words and weight[end] - weight[first] < wanted:
        end += 1
    return end if end <= words else -1
