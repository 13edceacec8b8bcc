"""Writing systems of a text, and which of them are foreign to a problem.

Covered: the systems of the table below, told apart by Unicode block. A system is at home in a
trace where what the teacher was told (statement, earlier turns, system message) or the gold answer
uses it, or where a language that is written in it is named there (a translation task). Kana bring
Han with them: a short Japanese question may have none. Latin and Greek letters, LaTeX and
mathematical symbols are always at home: formulas use them in every language.

Not covered: two languages in one writing system (English and Vietnamese, Russian and Bulgarian),
English sentences in a trace to a problem in another writing system, and writing systems that the
table does not list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from factory.select.found import Found


class Script(StrEnum):
    """Writing systems that can be foreign to a problem."""

    HAN = "han"
    KANA = "kana"
    HANGUL = "hangul"
    CYRILLIC = "cyrillic"
    ARABIC = "arabic"
    HEBREW = "hebrew"
    DEVANAGARI = "devanagari"
    BENGALI = "bengali"
    TAMIL = "tamil"
    THAI = "thai"
    GEORGIAN = "georgian"
    ARMENIAN = "armenian"


_BLOCKS: Final = {
    Script.HAN: "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    Script.KANA: "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d",
    Script.HANGUL: "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    Script.CYRILLIC: "\u0400-\u052f\u1c80-\u1c88\u2de0-\u2dff\ua640-\ua69f",
    Script.ARABIC: "\u0620-\u064a\u066e-\u06d3\u0750-\u077f\u08a0-\u08c7",
    Script.HEBREW: "\u05d0-\u05f2",
    Script.DEVANAGARI: "\u0904-\u0939\u0958-\u0961\u0971-\u097f",
    Script.BENGALI: "\u0985-\u09b9\u09dc-\u09e1",
    Script.TAMIL: "\u0b85-\u0bb9",
    Script.THAI: "\u0e01-\u0e30\u0e40-\u0e46",
    Script.GEORGIAN: "\u10a0-\u10ff",
    Script.ARMENIAN: "\u0531-\u0587",
}
_LETTERS: Final = {script: re.compile(f"[{block}]") for script, block in _BLOCKS.items()}
_ANY: Final = re.compile(f"[{''.join(_BLOCKS.values())}]")

_LANGUAGES: Final = {
    "chinese": (Script.HAN,),
    "mandarin": (Script.HAN,),
    "cantonese": (Script.HAN,),
    "hanzi": (Script.HAN,),
    "pinyin": (Script.HAN,),
    "japanese": (Script.HAN, Script.KANA),
    "kanji": (Script.HAN,),
    "hiragana": (Script.KANA,),
    "katakana": (Script.KANA,),
    "korean": (Script.HANGUL,),
    "hangul": (Script.HANGUL,),
    "russian": (Script.CYRILLIC,),
    "ukrainian": (Script.CYRILLIC,),
    "bulgarian": (Script.CYRILLIC,),
    "serbian": (Script.CYRILLIC,),
    "macedonian": (Script.CYRILLIC,),
    "belarusian": (Script.CYRILLIC,),
    "kazakh": (Script.CYRILLIC,),
    "kyrgyz": (Script.CYRILLIC,),
    "mongolian": (Script.CYRILLIC,),
    "tajik": (Script.CYRILLIC,),
    "cyrillic": (Script.CYRILLIC,),
    "arabic": (Script.ARABIC,),
    "persian": (Script.ARABIC,),
    "farsi": (Script.ARABIC,),
    "urdu": (Script.ARABIC,),
    "pashto": (Script.ARABIC,),
    "kurdish": (Script.ARABIC,),
    "uyghur": (Script.ARABIC,),
    "hebrew": (Script.HEBREW,),
    "yiddish": (Script.HEBREW,),
    "hindi": (Script.DEVANAGARI,),
    "sanskrit": (Script.DEVANAGARI,),
    "marathi": (Script.DEVANAGARI,),
    "nepali": (Script.DEVANAGARI,),
    "bengali": (Script.BENGALI,),
    "bangla": (Script.BENGALI,),
    "tamil": (Script.TAMIL,),
    "thai": (Script.THAI,),
    "georgian": (Script.GEORGIAN,),
    "armenian": (Script.ARMENIAN,),
}
_NAMED: Final = re.compile(rf"\b(?:{'|'.join(_LANGUAGES)})\b", re.IGNORECASE)

_ENOUGH: Final = {Script.HAN: 1, Script.KANA: 1, Script.HANGUL: 1}
"""Letters that make a foreign system count. Elsewhere two: single letters of other alphabets are
symbols (Sha for a group, Aleph) or slips for a Latin letter that looks the same."""


def scripts_in(text: str) -> dict[Script, int]:
    """Letters per listed writing system; empty for plain Latin, Greek, digits and symbols."""
    if text.isascii() or not _ANY.search(text):
        return {}
    counts = {script: len(letters.findall(text)) for script, letters in _LETTERS.items()}
    return {script: count for script, count in counts.items() if count}


def at_home(told: str, gold: str) -> frozenset[Script]:
    """Writing systems that a trace to this problem may use."""
    home = {*scripts_in(told), *scripts_in(gold), *_named_in(told)}
    return frozenset(home | {Script.HAN} if Script.KANA in home else home)


def _named_in(told: str) -> Iterator[Script]:
    for found in _NAMED.findall(told):
        yield from _LANGUAGES[found.lower()]


def foreign_letters(trace: str, told: str, gold: str) -> Found | None:
    """Foreign writing systems of a trace with their counts, e.g. `han 12`.

    The margin says how many times as many letters there are as would do.

    Args:
        told: All that the teacher was told.
    """
    present = scripts_in(trace)
    if not present:
        return None
    home = at_home(told, gold)
    foreign = {
        script: count
        for script, count in present.items()
        if script not in home and count >= _ENOUGH.get(script, 2)
    }
    if not foreign:
        return None
    margin = max(count / _ENOUGH.get(script, 2) - 1 for script, count in foreign.items())
    first = [_LETTERS[script].search(trace) for script in foreign]
    return Found(
        ", ".join(f"{script} {count}" for script, count in foreign.items()),
        margin,
        min(found.start() for found in first if found),
    )
