"""Texts by name: each is put together from pieces by chance, and can be made again alone.

A near duplicate is a text in which a share of the pieces are others; how similar the two are is
counted afterwards, exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

_BREAK: Final = 4
"""Every so many pieces a paragraph ends."""
_BLANKS: Final = re.compile(r" ")


@dataclass(frozen=True)
class Lengths:
    """A log-normal distribution of characters."""

    median_chars: float
    sigma: float
    most_chars: float = 64_000
    least_chars: float = 200


REASONING: Final = Lengths(median_chars=1_850, sigma=1.47)
"""With the statement 2 KB in the median and 20 KB at the 95th percentile."""


def drawn(rng: Random, pieces: Sequence[str], lengths: Lengths, mean_chars: float) -> list[str]:
    """Pieces of one text; `mean_chars` is that of a piece with its break."""
    wanted = lengths.median_chars * math.exp(rng.gauss(0, lengths.sigma))
    wanted = min(max(wanted, lengths.least_chars), lengths.most_chars)
    return rng.choices(pieces, k=max(2, round(wanted / mean_chars)))


def mean_chars(pieces: Sequence[str]) -> float:
    """Of a piece with its break."""
    return sum(map(len, pieces)) / len(pieces) + 1 + 1 / _BREAK


def text_of(parts: Sequence[str]) -> str:
    """The pieces in lines and paragraphs."""
    paragraphs = [
        "\n".join(parts[first : first + _BREAK]) for first in range(0, len(parts), _BREAK)
    ]
    return "\n\n".join(paragraphs)


def nearly(rng: Random, parts: Sequence[str], pieces: Sequence[str], share: float) -> list[str]:
    """The pieces with a share of them, and at least one word, exchanged."""
    changed = list(parts)
    number = round(share * len(parts))
    for place in rng.sample(range(len(parts)), number):
        changed[place] = rng.choice(pieces)
    if not number:
        first, _, rest = changed[-1].partition(" ")
        changed[-1] = f"{first} then {rest}" if rest else f"then {first}"
    return changed


def wrapped(rng: Random, text: str) -> str:
    """The same words in other lines: equal but for space."""
    return _BLANKS.sub(lambda _: "\n" if rng.random() < 0.1 else "  ", text)


def runs(found: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every so many successive words."""
    return zip(*(found[start:] for start in range(length)), strict=False)


def grams(found: Sequence[str], length: int) -> set[int]:
    """Hashes of the runs of so many words; a shorter text is one run."""
    return {hash(one) for one in runs(found, length)} or {hash(tuple(found))}


def jaccard(one: Sequence[str], other: Sequence[str], length: int) -> float:
    """Exact similarity of two texts, given by their words, by runs of so many."""
    first, second = grams(one, length), grams(other, length)
    return len(first & second) / len(first | second)
