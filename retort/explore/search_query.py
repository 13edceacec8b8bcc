"""What a person types into the search box -> a query of SQLite's FTS5.

    word            texts with the word, whatever its case
    two words       texts with both
    "a phrase"      the words one after the other
    -word -"a b"    texts without it
    begin*          words that begin so, from three letters on

Signs part words: `x^2` is `x` followed by `2`. There is nothing else, so every text is a query or
is refused with a sentence; no operator of FTS5 can be typed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from retort.explore.asked import Refused

_PIECE: Final = re.compile(r'(-?)(?:"([^"]*)(?:"|$)|([^\s"]+))')
_WORD: Final = re.compile(r"[^\W_]+")
_MOST_PIECES: Final = 20
_SHORTEST_PREFIX: Final = 3


def fts_query(text: str) -> str:
    """The query as FTS5 reads it: quoted phrases, AND and NOT.

    Raises:
        Refused: Nothing is asked for, or too much.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    # Composed: a combining accent is no letter and would part its word.
    for sign, phrase, word in _PIECE.findall(unicodedata.normalize("NFC", text)):
        piece = _piece(phrase or word, prefix=word.endswith("*"))
        if piece:
            (unwanted if sign else wanted).append(piece)
    if len(wanted) + len(unwanted) > _MOST_PIECES:
        raise Refused(f"parameter q: expected at most {_MOST_PIECES} words and phrases")
    if not wanted:
        raise Refused("parameter q: expected a word that the texts have, found none")
    found = " AND ".join(wanted)
    return f"({found})" + "".join(f" NOT {one}" for one in unwanted)


def _piece(text: str, *, prefix: bool) -> str:
    words = _WORD.findall(text)
    if not words:
        return ""
    if prefix and len(words[-1]) < _SHORTEST_PREFIX:
        raise Refused(
            f"parameter q: expected at least {_SHORTEST_PREFIX} letters before `*`, found "
            f"{words[-1]!r}"
        )
    return f'"{" ".join(words)}"' + (" *" if prefix else "")
