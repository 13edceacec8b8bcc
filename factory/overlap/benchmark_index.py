"""Which item of a benchmark a text overlaps with, and the words that say so.

Three rules, all blind to case, punctuation, Unicode forms and line wrapping: `whole` (a short item
stands in the text), `words` (so many successive words of an item do), `share` (so large a part of
an item's runs of eight words does).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from schemas.data_settings import Overlap

Rule = Literal["whole", "words", "share"]

_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """One overlap of a text with an item."""

    benchmark: str
    item: str
    rule: Rule
    span: str
    """Words of the text."""


class BenchmarkIndex:
    """The items of benchmarks, ready to be asked which of them texts overlap with; can be
    pickled."""

    def __init__(self, overlap: Overlap) -> None:
        self._overlap = overlap
        self._whole: dict[str, tuple[str, str]] = {}
        self._grams: dict[tuple[str, ...], tuple[str, str]] = {}
        self._eights: dict[tuple[str, ...], set[tuple[str, str]]] = {}
        self._sizes: dict[tuple[str, str], int] = {}

    def add(
        self, benchmark: str, items: Iterable[tuple[str, str]], *, grams: bool = True
    ) -> None:
        """Take in items (id, text); without `grams` only texts that are an item are found."""
        for item, text in items:
            words = _words(text)
            place = benchmark, item
            self._whole.setdefault(" ".join(words), place)
            if not grams:
                continue
            for gram in _runs(words, self._overlap.words):
                self._grams.setdefault(gram, place)
            eights = set(_runs(words, 8))
            self._sizes[place] = len(eights)
            for gram in eights:
                self._eights.setdefault(gram, set()).add(place)

    def find(self, texts: pa.Array | pa.ChunkedArray | Sequence[str]) -> list[Hit | None]:
        """The overlap of each text, None where there is none."""
        listed = texts.to_pylist() if isinstance(texts, pa.Array | pa.ChunkedArray) else texts
        return [self._one(text) for text in listed]

    def _one(self, text: str) -> Hit | None:
        words = _words(text)
        if (place := self._whole.get(" ".join(words))) is not None:
            return Hit(*place, "whole", " ".join(words))
        for gram in _runs(words, self._overlap.words):
            if (place := self._grams.get(gram)) is not None:
                return Hit(*place, "words", " ".join(gram))
        shared = Counter(
            place for gram in set(_runs(words, 8)) for place in self._eights.get(gram, ())
        )
        for place, count in shared.most_common():
            if self._sizes[place] >= 5 and count >= self._overlap.share * self._sizes[place]:
                return Hit(*place, "share", f"{count} of {self._sizes[place]} runs of eight words")
        return None


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _runs(words: list[str], size: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(size)), strict=False)
