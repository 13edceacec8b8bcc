"""Spans of benchmarks' items as they come back in other texts: other case, punctuation, lines."""

from __future__ import annotations

import re
from enum import StrEnum
from random import Random
from typing import Final

from .pieces import words

_MARKS: Final = ".,;:!?"
_WITHIN: Final = re.compile(r"(?<=\w)[-,'’](?=\w)")


class Change(StrEnum):
    """How far a span is from the item."""

    PUNCTUATED = "punctuated"
    """Marks at the ends of words are changed, added or deleted."""
    WITHIN = "within words"
    """Hyphens, apostrophes and commas within words and numbers are deleted too."""
    BARE = "bare"
    """Letters and digits alone: operators are gone, `x + 2 = y` is `x 2 y`."""


def disguised(rng: Random, text: str, length: int, change: Change) -> str:
    """The fewest successive words, told by white space, with at least so many runs of letters and
    digits, in other case and wrapped anew; for `WITHIN` so many words that have one, with a mark
    within where the text has it."""
    tokens = text.split()
    span = rng.choice(_spans(tokens, length, change))
    if change is Change.BARE:
        found = words(" ".join(span))[:length]
    else:
        found = [_remarked(rng, one) for one in span]
    if change is Change.WITHIN:
        found = [_WITHIN.sub("", one) for one in found]
    cased = [rng.choice((str.upper, str.lower, str.title))(one) for one in found]
    return "".join(one + rng.choice((" ", "  ", "\n")) for one in cased).strip()


def long_enough(text: str, length: int) -> bool:
    """Whether any span can be cut out of a text."""
    return sum(bool(words(one)) for one in text.split()) >= length


def _spans(tokens: list[str], length: int, change: Change) -> list[list[str]]:
    counts = [len(words(one)) for one in tokens]
    if change is Change.WITHIN:
        counts = [min(count, 1) for count in counts]
    spans: list[list[str]] = []
    end = filled = 0
    for start in range(len(tokens)):
        while end < len(tokens) and filled < length:
            filled += counts[end]
            end += 1
        if filled < length:
            break
        spans.append(tokens[start:end])
        filled -= counts[start]
    if change is Change.WITHIN:
        marked = [span for span in spans if any(map(_WITHIN.search, span))]
        return marked or spans
    return spans


def _remarked(rng: Random, token: str) -> str:
    bare = token.rstrip(_MARKS)
    return bare + rng.choice(("", "", ",", ";", token[len(bare) :]))
