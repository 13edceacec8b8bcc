"""The form in which texts are compared: what each character is, in which case and Unicode form.

Covered: case (Unicode's folding), compatibility forms (NFKC: full-width letters, ligatures,
superscripts), every kind of white space and dash, signs that stand for an operator. Accents stay.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

CODE: Final = (1 << 21) - 1
WORD: Final = 1 << 21
SPACE: Final = 1 << 22
OPERATOR: Final = 1 << 23
DIGIT: Final = 1 << 24
ALONE: Final = 1 << 25
"""A character of a script without spaces between words, which begins and ends a word."""
UNREADY: Final = 1 << 26
"""Its form depends on its neighbours, or is several characters: see `folded_text`."""

PLANES: Final = 0x20000
"""Code points in the table; those beyond are ideographs, which are words as they stand."""

_OPERATORS: Final = {sign: sign for sign in "-+*/^=<>"} | {
    **dict.fromkeys("‐‑‒–−﹣－", "-"),
    **dict.fromkeys("×⋅·∗∙", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("≤⩽≦", "<"),
    **dict.fromkeys("≥⩾≧", ">"),
}
_SIGNS: Final = str.maketrans(_OPERATORS)
_ALONE_RANGES: Final = (
    (0x3005, 0x3008),
    (0x3040, 0x3100),  # Hiragana and Katakana
    (0x31F0, 0x3200),
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xF900, 0xFB00),
    (0xFF66, 0xFFA0),  # half-width Katakana
)
_JAMO_RANGES: Final = ((0x1100, 0x1200), (0xA960, 0xA980), (0xD7B0, 0xD800))


@cache
def characters() -> NDArray[np.int32]:
    """For each code point below `PLANES`: the folded code point, and flags of what it is; neither
    `WORD` nor `SPACE` nor `OPERATOR` is a mark that only separates; of these point and comma have
    a code, as numbers have them."""
    table = np.zeros(PLANES, dtype=np.int32)
    for code in range(PLANES):
        if not 0xD800 <= code < 0xE000:
            table[code] = _kind(code)
    return table


def folded_text(text: str) -> str:
    """The text with its words (runs of no white space) folded, where it is not ASCII.

    Word `n` of the result is made from word `n` of the text.
    """
    if text.isascii():
        return text
    return " ".join(word if word.isascii() else _folded_word(word) for word in text.split())


def compared(text: str) -> str:
    """The text in one Unicode form and case, with ASCII operators."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFKC", folded).translate(_SIGNS)


@lru_cache(maxsize=1 << 16)
def _folded_word(word: str) -> str:
    folded = compared(word)
    return "".join("," if character.isspace() else character for character in folded)


def _kind(code: int) -> int:
    character = chr(code)
    if character.isspace():
        return SPACE
    if character in _OPERATORS:
        return OPERATOR | ord(_OPERATORS[character])
    if unicodedata.category(character)[0] == "M" or _within(code, _JAMO_RANGES):
        return UNREADY | WORD | code
    folded = compared(character)
    unready = 0
    if len(folded) != 1:
        if not any(one.isalnum() or one in _OPERATORS for one in folded):
            return 0
        unready, folded = UNREADY, character
    if folded in _OPERATORS:
        return unready | OPERATOR | ord(_OPERATORS[folded])
    if not folded.isalnum():
        return unready | (ord(folded) if folded in ".," else 0)
    digit = DIGIT if folded.isdigit() else 0
    alone = ALONE if _within(code, _ALONE_RANGES) else 0
    return unready | WORD | digit | alone | ord(folded)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code < last for first, last in ranges)
