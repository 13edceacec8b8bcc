"""A table of code points: lower case, and what kind of character each is."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from factory.overlap.words import ALONE, LETTERS, LOOSE, SPACE

ALONE_RANGES: Final = (
    (0x2E80, 0x2FE0),  # radicals
    (0x3005, 0x3008),  # iteration mark, closing mark, zero
    (0x3021, 0x302A),  # numerals
    (0x3031, 0x3036),  # repeat marks
    (0x3038, 0x3040),
    (0x3040, 0x3100),  # Hiragana and Katakana
    (0x31F0, 0x3200),
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xF900, 0xFB00),
    (0xFF66, 0xFFA0),  # half-width Katakana
    (0x1AFF0, 0x1B170),
)
"""Han and kana: radicals, marks of repetition, syllables, ideographs."""
_JAMO: Final = range(0x1100, 0x1200)


@cache
def letters() -> NDArray[np.int32]:
    """For each code point of the first planes: its lower case, and its kinds as bits.

    Lower case that is more than one character (of İ) is not used.
    """
    table = np.arange(LETTERS, dtype=np.int32)
    for code in range(0x80, LETTERS):
        if 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        lower = character.lower()
        if len(lower) == 1:
            table[code] = ord(lower)
        if character.isspace():
            table[code] |= SPACE
        category = unicodedata.category(character)
        if category[0] == "M" or code in _JAMO or not unicodedata.is_normalized("NFC", character):
            table[code] |= LOOSE
    for first, last in ALONE_RANGES:
        table[first:last] |= ALONE
    for code in range(0x80):
        character = chr(code)
        table[code] = ord(character.lower()) | (SPACE if character.isspace() else 0)
    return table
