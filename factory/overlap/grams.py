"""A text as two rows of characters, its words, and hashes of any stretch of them; compiled.

- `letters`: letters and digits alone. Spaces and punctuation may come, go or change, and a
  stretch stays the same; that it begins and ends with a word is checked apart.
- `signs`: letters, digits and operators, and a space between two numbers. A hyphen between words
  is no operator and a comma between thousands is nothing, as `2-3` is not `2+3`, but `well-known`
  is `well known`.

A folded character is one byte where it is ASCII and else three, all of them above 0x7F.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factory.overlap import folding
from factory.overlap.compiled import compiled

_CODE: Final = folding.CODE
_WORD: Final = folding.WORD
_SPACE: Final = folding.SPACE
_OPERATOR: Final = folding.OPERATOR
_DIGIT: Final = folding.DIGIT
_ALONE: Final = folding.ALONE
_UNREADY: Final = folding.UNREADY
_PLANES: Final = folding.PLANES

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_U8: Final = np.uint64(8)
_U29: Final = np.uint64(29)
_U33: Final = np.uint64(33)
_ONE: Final = np.uint64(1)
_BLANK: Final = 0x20
_COMMA: Final = 0x2C
_DOT: Final = 0x2E
_HYPHEN: Final = 0x2D
_PLUS: Final = 0x2B
_STAR: Final = 0x2A
_CLOSING: Final = (0x29, 0x5D, 0x7D)
_OPENING: Final = (0x28, 0x5B, 0x7B, 0x5C, 0x24, 0x2D)
"""What an operand begins with: brackets, TeX, a sign."""
_UNSEEN: Final = 0xE0000
_SLACK_BYTES: Final = 64
"""Behind the last character, so that eight bytes can be taken anywhere."""

UNREADY: Final = -1
"""What `read_text` gives for a text that must be folded first."""
NOT_PLAIN: Final = -1
"""What `read_plain` gives for a text that is not ASCII."""


class Scratch(NamedTuple):
    """What is known of one text; arrays that are used again for the next."""

    letters: NDArray[np.uint8]
    signs: NDArray[np.uint8]
    letters_from: NDArray[np.int32]
    """Per word: where it begins in `letters`; one more, where they end."""
    signs_from: NDArray[np.int32]
    """Per word: where it begins in `signs`, with the sign of a number."""
    signs_to: NDArray[np.int32]
    token: NDArray[np.int32]
    """Per word: the number of the run of no white space that it is in, among those with a letter,
    a digit or an operator."""
    weight: NDArray[np.int32]
    """Sum of the weights of the words before: 2 per word, 1 of scripts without spaces."""
    bytes_from: NDArray[np.int32]
    """Per word: where it begins in the text."""
    tokens: NDArray[np.int32]
    """One element: such runs in all."""


def scratch(longest_bytes: int) -> Scratch:
    """Room for texts of at most so many bytes."""
    one, two = (np.zeros(2 * longest_bytes + _SLACK_BYTES, dtype=np.uint8) for _ in range(2))
    words = longest_bytes // 2 + 3
    a, b, c, d, e, f = (np.zeros(words, dtype=np.int32) for _ in range(6))
    return Scratch(one, two, a, b, c, d, e, f, np.zeros(1, dtype=np.int32))


def plain_letters() -> NDArray[np.uint8]:
    """For each byte: the folded letter or digit, 0 for all else."""
    return np.array(
        [
            ord(chr(code).lower()) if code < 0x80 and chr(code).isalnum() else 0
            for code in range(256)
        ],
        dtype=np.uint8,
    )


@compiled
def read_plain(
    data: NDArray[np.uint8], start: int, stop: int, plain: NDArray[np.uint8], into: Scratch
) -> int:
    """Fill `letters`, `letters_from` and `bytes_from` from a text in ASCII; its words, or
    `NOT_PLAIN`.

    Args:
        plain: `plain_letters()`.
    """
    letters, letters_from, bytes_from = into.letters, into.letters_from, into.bytes_from
    n_letters = words = np.uint64(0)
    before = np.uint8(0)
    all_bytes = np.uint8(0)
    first = np.uint64(start)
    for at in range(first, np.uint64(stop)):
        byte = data[at]
        all_bytes |= byte
        letter = plain[byte]
        letters[n_letters] = letter
        letters_from[words] = n_letters
        bytes_from[words] = at - first
        words += np.uint64((letter != 0) & (before == 0))
        n_letters += np.uint64(letter != 0)
        before = letter
    if all_bytes >= 0x80:
        return NOT_PLAIN
    letters_from[words] = n_letters
    return int(np.int64(words))


@compiled
def eight(row: NDArray[np.uint8], at: int) -> np.uint64:
    """The bytes from `at` in one number, lowest first."""
    place = np.uint64(at)
    return (
        np.uint64(row[place])
        | (np.uint64(row[place + np.uint64(1)]) << np.uint64(8))
        | (np.uint64(row[place + np.uint64(2)]) << np.uint64(16))
        | (np.uint64(row[place + np.uint64(3)]) << np.uint64(24))
        | (np.uint64(row[place + np.uint64(4)]) << np.uint64(32))
        | (np.uint64(row[place + np.uint64(5)]) << np.uint64(40))
        | (np.uint64(row[place + np.uint64(6)]) << np.uint64(48))
        | (np.uint64(row[place + np.uint64(7)]) << np.uint64(56))
    )


@compiled
def absorbed(state: np.uint64, chunk: np.uint64) -> np.uint64:
    """The state of a hash after eight more bytes."""
    state = (state ^ chunk) * _MULTIPLIER
    return state ^ (state >> _U29)


@compiled
def mixed(value: np.uint64) -> np.uint64:
    """Every bit of the result depends on every bit of the value (the finaliser of MurmurHash3)."""
    value = (value ^ (value >> _U33)) * _MIX_1
    value = (value ^ (value >> _U33)) * _MIX_2
    return value ^ (value >> _U33)


@compiled
def stretch(row: NDArray[np.uint8], at: int, size: int) -> np.uint64:
    """The hash of `size` characters from `at`."""
    state = np.uint64(size) * _MIX_2
    while size >= 8:
        state = absorbed(state, eight(row, at))
        at += 8
        size -= 8
    if size:
        mask = (_ONE << (_U8 * np.uint64(size))) - _ONE
        state = absorbed(state, eight(row, at) & mask)
    return mixed(state)


@compiled
def _decoded(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """The code point at `at`, and where the next one begins."""
    first = int(data[at])
    if first >= 0xF0 and at + 4 <= stop:
        code = ((first & 0x07) << 18) | ((int(data[at + 1]) & 0x3F) << 12)
        return code | ((int(data[at + 2]) & 0x3F) << 6) | (int(data[at + 3]) & 0x3F), at + 4
    if first >= 0xE0 and at + 3 <= stop:
        code = ((first & 0x0F) << 12) | ((int(data[at + 1]) & 0x3F) << 6)
        return code | (int(data[at + 2]) & 0x3F), at + 3
    if first >= 0xC0 and at + 2 <= stop:
        return ((first & 0x1F) << 6) | (int(data[at + 1]) & 0x3F), at + 2
    return first, at + 1


@compiled
def _kind(code: int, table: NDArray[np.int32]) -> int:
    if code < _PLANES:
        return int(table[code])
    return _WORD | _ALONE | code if code < _UNSEEN else 0


@compiled
def _letter(kind: int) -> bool:
    return (kind & _WORD) != 0 and (kind & _DIGIT) == 0


@compiled
def _word_follows(data: NDArray[np.uint8], at: int, stop: int, table: NDArray[np.int32]) -> bool:
    """Whether two letters come next."""
    for _ in range(2):
        if at >= stop:
            return False
        code, at = _decoded(data, at, stop)
        if not _letter(_kind(code, table)):
            return False
    return True


@compiled
def _thousands(data: NDArray[np.uint8], at: int, stop: int, table: NDArray[np.int32]) -> bool:
    """Whether a number of three digits begins at `at`."""
    for _ in range(3):
        if at >= stop:
            return False
        code, at = _decoded(data, at, stop)
        if not _kind(code, table) & _DIGIT:
            return False
    return at >= stop or not _kind(_decoded(data, at, stop)[0], table) & _DIGIT


@compiled
def _multiplies(
    data: NDArray[np.uint8], at: int, stop: int, before: int, last: int, table: NDArray[np.int32]
) -> bool:
    """Whether the stars from `at` stand between two operands, or between two spaces, and do not
    make a word bold.

    Args:
        before, last: Kind and byte of the character before them.
    """
    while at < stop and data[at] == _STAR:
        at += 1
    after = _SPACE if at >= stop else _kind(_decoded(data, at, stop)[0], table)
    if before & _SPACE or after & _SPACE:
        return (before & _SPACE) == (after & _SPACE)
    left = (before & _WORD) != 0 or last in _CLOSING
    return left and ((after & _WORD) != 0 or data[at] in _OPENING)


@compiled
def _write(row: NDArray[np.uint8], at: int, code: int) -> int:
    """Write a folded character; the place after it."""
    if code < 0x80:
        row[at] = code
        return at + 1
    row[at] = 0x80 | (code & 0x7F)
    row[at + 1] = 0x80 | ((code >> 7) & 0x7F)
    row[at + 2] = 0x80 | (code >> 14)
    return at + 3


@compiled
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
    n_letters = n_signs = words = 0
    tokens = 0
    weight = 0
    in_token = in_word = False
    after_digit = False  # the last of `signs`
    operator_at = -2  # byte after the operator that is the last of `signs`
    operator_opens = False
    before, before_that = _SPACE, 0  # kinds of the characters before
    stars = False  # whether the last stars multiply
    at = start
    while at < stop:
        code, after = _decoded(data, at, stop)
        kind = _kind(code, table)
        if kind & _UNREADY and not ready:
            return UNREADY
        if kind & _WORD:
            code = kind & _CODE
            digit = (kind & _DIGIT) != 0
            if not in_word or kind & _ALONE:
                if not in_token:
                    in_token = True
                    tokens += 1
                sign_from = n_signs
                if digit and after_digit:
                    between = _BLANK
                    if before_that & _DIGIT and before == _DOT:
                        between = _DOT
                    elif before_that & _DIGIT and before == _COMMA:
                        between = 0 if _thousands(data, at, stop, table) else _BLANK
                    if between:
                        signs[n_signs] = between
                        n_signs += 1
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
            n_letters = _write(letters, n_letters, code)
            n_signs = _write(signs, n_signs, code)
            into.signs_to[words - 1] = n_signs
            after_digit = digit
            in_word = (kind & _ALONE) == 0
        elif kind & _SPACE:
            in_token = in_word = False
        else:
            in_word = False
            if kind & _OPERATOR:
                if not in_token:
                    in_token = True
                    tokens += 1
                code = kind & _CODE
                if data[at] == _STAR and (at == start or data[at - 1] != _STAR):
                    last = int(data[at - 1]) if at > start else 0
                    stars = _multiplies(data, at, stop, before, last, table)
                joins = code == _HYPHEN and _letter(before) and _letter(before_that)
                bold = data[at] == _STAR and not stars
                if not bold and (not joins or not _word_follows(data, after, stop, table)):
                    signs[n_signs] = code
                    n_signs += 1
                    after_digit = False
                    operator_at = after
                    operator_opens = code in (_HYPHEN, _PLUS)
                    if before & _WORD or (at > start and data[at - 1] in _CLOSING):
                        operator_opens = False
        before_that, before = before, kind
        at = after
    into.letters_from[words] = n_letters
    into.signs_from[words] = n_signs
    into.weight[words] = weight
    into.tokens[0] = tokens
    return words


@compiled
def is_operand(read: Scratch, word: int) -> bool:
    """Whether a word may be part of an expression: a letter alone, or what begins with a digit."""
    at = read.letters_from[word]
    if read.letters_from[word + 1] - at == 1:
        return True
    return 0x30 <= int(read.letters[at]) <= 0x39


@compiled
def end_of_run(weight: NDArray[np.int32], words: int, first: int, end: int, wanted: int) -> int:
    """The word after a run from `first` that weighs at least `wanted`, sought from `end` on; -1
    where the text has none."""
    while end <= words and weight[end] - weight[first] < wanted:
        end += 1
    return end if end <= words else -1
