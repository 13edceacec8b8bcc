"""What a way found beside what is there: recall, precision, and one survivor per cluster.

Truth is an exact comparison of every pair that was planted or that any way put into one cluster, by
two definitions of a word: what stands between white space (ours, and datasketch's as it is asked),
and letters and digits alone (near to datatrove's, which takes punctuation away).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from made_texts.pieces import words
from made_texts.texts import jaccard

SURE: Final = 0.85
"""Pairs this near must be found; between the threshold and this, more or less often."""
_LARGEST: Final = 50
"""Members of a cluster that are compared with each other."""

Words = Callable[[str], Sequence[str]]


def between_spaces(text: str) -> list[str]:
    """Words as our engine has them, for text without ideographs."""
    return text.lower().split()


DEFINITIONS: Final[dict[str, Words]] = {"white space": between_spaces, "no signs": words}


@dataclass(frozen=True)
class Score:
    """Of one way, by one definition of a word."""

    recall: float
    """Of the pairs with a similarity of at least `SURE`: both in one cluster."""
    recall_at_threshold: float
    precision: float
    """Of the rows in clusters: with another row of it that is as near as the threshold."""
    pairs: int
    """With a similarity of at least `SURE`."""
    clusters: int


class Truth:
    """Exact similarities, each counted once."""

    def __init__(
        self,
        texts: Sequence[str],
        planted: Sequence[tuple[int, int]],
        *,
        words: Words,
        length: int,
        threshold: float,
    ) -> None:
        self._texts, self._length, self._threshold = texts, length, threshold
        self._words = words
        self._planted = planted
        self._similar = lru_cache(maxsize=None)(self._compared)

    def _compared(self, one: int, other: int) -> float:
        first, second = self._words(self._texts[one]), self._words(self._texts[other])
        return jaccard(first, second, self._length)

    def similarity(self, one: int, other: int) -> float:
        """Of two rows."""
        return self._similar(min(one, other), max(one, other))

    def known(self, found: Sequence[Sequence[int]]) -> dict[tuple[int, int], float]:
        """Every pair at the threshold among the planted ones and those in one cluster."""
        pairs = {(min(pair), max(pair)) for pair in self._planted}
        pairs |= {pair for label in found for pair in _together(label)}
        near = {pair: self.similarity(*pair) for pair in sorted(pairs)}
        return {pair: value for pair, value in near.items() if value >= self._threshold}

    def score(self, label: Sequence[int], known: dict[tuple[int, int], float]) -> Score:
        """Of what one way found."""
        hit = {pair for pair in known if label[pair[0]] == label[pair[1]] >= 0}
        sure = {pair for pair, value in known.items() if value >= SURE}
        best: defaultdict[int, float] = defaultdict(float)
        for one, other in _together(label):
            similarity = self.similarity(one, other)
            best[one], best[other] = max(best[one], similarity), max(best[other], similarity)
        right = sum(value >= self._threshold for value in best.values())
        return Score(
            recall=len(hit & sure) / max(1, len(sure)),
            recall_at_threshold=len(hit) / max(1, len(known)),
            precision=right / max(1, len(best)),
            pairs=len(sure),
            clusters=len(_clusters(label)),
        )


def _clusters(label: Sequence[int]) -> list[list[int]]:
    members: defaultdict[int, list[int]] = defaultdict(list)
    for row, one in enumerate(label):
        if one >= 0:
            members[one].append(row)
    return list(members.values())


def _together(label: Sequence[int]) -> Iterator[tuple[int, int]]:
    for rows in _clusters(label):
        yield from combinations(rows[:_LARGEST], 2)
