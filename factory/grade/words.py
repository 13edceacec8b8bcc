"""Words of a text by language, told by their letters alone.

Formulas have no language, so they are taken out first: fenced code, code and LaTeX between their
signs, LaTeX environments and commands, web addresses. A piece of code or LaTeX between its signs
(`…`, `$…$`, `\\(…\\)`, `\\[…\\]`) that holds four words or more is text, and so is a fence that is
never closed. Full-width, circled and mathematical letters count as the plain ones.

Of what remains a word of English is three Latin letters or more, or one of the common words of two;
shorter ones are variables as often as words, as are the names of functions (`sin`, `max`) and up to
four capitals (`ABC`, `GCD`). Chinese counts a word for two Han characters, Korean one for three
Hangul syllables, Japanese one for three kana, about what these languages need for a word of
English. Where a tenth or more of Han and kana
together are kana, the Han are Japanese too, so a mixture of Chinese and Japanese is not seen.
Letters of other alphabets are words of `other`.

Covered: English, Chinese, Korean and Japanese against each other, alone and mixed. Not covered:
languages that share a script (French is taken for English, classical Chinese and hanja for Chinese,
simplified and traditional characters are one), Latin transcriptions, text in closed fences or in
LaTeX environments, words joined by underscores or digits, and whether the text makes sense.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final


class Language(StrEnum):
    """What can be told apart."""

    ENGLISH = "en"
    CHINESE = "zh"
    KOREAN = "ko"
    JAPANESE = "ja"
    OTHER = "other"
    """Any other alphabet; no gold can ask for it."""


_ENVIRONMENT: Final = (
    r"\\begin\{(?P<name>[a-z]{1,20}\*?)\}(?:(?!\\begin\{).){0,4000}?\\end\{(?P=name)\}"
)
_NO_WORDS: Final = tuple(
    (mark, re.compile(pattern, re.DOTALL))
    for mark, pattern in (
        ("```", r"```.*?```"),
        ("`", r"`[^`\n]{1,300}`"),
        ("\\end{", _ENVIRONMENT),
        ("\\end{", _ENVIRONMENT),  # the inner ones have gone
        ("$$", r"\$\$(?:(?!\$\$).){1,2000}\$\$"),
        ("\\[", r"\\\[(?:(?!\\\[).){1,2000}?\\\]"),
        ("\\(", r"\\\((?:(?!\\\().){1,1000}?\\\)"),
        ("$", r"\$[^$\n]{1,500}\$"),
        ("http", r"https?://[!-~]{1,500}"),
        ("\\", r"\\[A-Za-z]{1,40}"),
        ("<", r"</?[a-z]{1,10}>"),
    )
)
"""What each pattern needs in a text, and the pattern. None looks for its end beyond the next
beginning, so that no text takes long."""
_SPANS: Final = frozenset({"`", "$$", "\\[", "\\(", "$"})
"""What may hold text as well as code or a formula."""
_LEAST_TEXT_WORDS: Final = 4
_LEAST_TEXT_CHARS: Final = 8
_COMMAND: Final = re.compile(r"\\[A-Za-z]{1,40}")
_WIDE: Final = re.compile("[\u24b6-\u24e9\uff01-\uff5e\uffa0-\uffdc\U0001d400-\U0001d7ff]")
"""Letters that a compatible plain one stands for, taken one by one: NFKC of a whole text takes
quadratic time on some."""
_LATIN: Final = re.compile(r"(?<![A-Za-z0-9_\u00c0-\u024f])[A-Za-z\u00c0-\u024f'’]++(?![0-9_(^=])")
_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_HANGUL: Final = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d]")
_OTHER: Final = re.compile(
    "[\u0400-\u052f\u0531-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u0900-\u0dff\u0e01-\u0e46"
    "\u0e80-\u0fbc\u1000-\u10ff\u1200-\u137f\u1780-\u17b3]{2,}"
)
"""Two letters or more: a single one of another alphabet is a symbol. Greek letters always are."""
_SHORT: Final = re.compile(
    r"a[mnst]|b[ey]|do|go|he|i[fnst]|m[ey]|no|o[fnr]|so|to|up|us|we", re.IGNORECASE
)
_FUNCTIONS: Final = re.compile(
    r"(?:arc|a)?(?:sin|cos|tan)h?|cot|sec|csc|log|exp|lim|max|min|sup|inf|mod|gcd|lcm|det|arg|deg|dim"
    r"|ker|rank|sgn|sqrt|pow|abs|floor|ceil|mol|rad",
    re.IGNORECASE,
)


def words(text: str) -> dict[Language, Fraction]:
    """Words per language; empty where the text has none."""
    if not text.isascii():
        text = _WIDE.sub(_plain, text)
    for mark, pattern in _NO_WORDS:
        if mark in text:
            text = pattern.sub(_kept_text if mark in _SPANS else " ", text)
    return _counts(text)


def _kept_text(span: re.Match[str]) -> str:
    """What stands in code or a formula, where that is text; else a space."""
    if len(span[0]) < _LEAST_TEXT_CHARS:
        return " "
    inner = _COMMAND.sub(" ", span[0].strip("`$"))
    return f" {inner} " if sum(_counts(inner).values()) >= _LEAST_TEXT_WORDS else " "


def _plain(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])


def _counts(text: str) -> dict[Language, Fraction]:
    english = Fraction(sum(map(_is_word, _LATIN.findall(text))))
    if text.isascii():
        return {Language.ENGLISH: english} if english else {}
    han, kana = len(_HAN.findall(text)), len(_KANA.findall(text))
    japanese = kana > 0 and 10 * kana >= han + kana
    counts = {
        Language.ENGLISH: english,
        Language.CHINESE: Fraction(0 if japanese else han, 2),
        Language.KOREAN: Fraction(len(_HANGUL.findall(text)), 3),
        Language.JAPANESE: Fraction(kana, 3) + Fraction(han if japanese else 0, 2),
        Language.OTHER: Fraction(len(_OTHER.findall(text))),
    }
    return {language: count for language, count in counts.items() if count}


@lru_cache(maxsize=8192)
def _is_word(found: str) -> bool:
    word = found.strip("'’")
    if len(word) < 3:
        return _SHORT.fullmatch(word) is not None
    return not (_FUNCTIONS.fullmatch(word) or (word.isupper() and len(word) <= 4))
