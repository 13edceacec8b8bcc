"""maj@k of one problem: how often the most frequent of k answers is right.

The average over every way to choose k of the drawn candidates, by counting and not by drawing. Of
equally frequent answers each has an equal part of the win, which is what it has on average where
the first given wins: candidates of a problem are exchangeable.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

Votes = tuple[int, bool]
"""Candidates that gave an answer, and whether it is right."""


def majority_at_k(drawn: int, votes: Iterable[Votes], k: int) -> float:
    """Chance that the most frequent answer among k of the drawn candidates is right.

    Args:
        drawn: All candidates; those without a vote are the ones that no answer counts.
        votes: One entry per answer.
        k: At most `drawn`.
    """
    cast = tuple(sorted(one for one in votes if one[0]))
    assert 1 <= k <= drawn and sum(count for count, _ in cast) <= drawn
    return _of_all(cast) if k == drawn else _of_subsets(drawn, cast, k)


def _of_all(votes: tuple[Votes, ...]) -> float:
    most = max((count for count, _ in votes), default=0)
    leading = [right for count, right in votes if count == most]
    return sum(leading) / len(leading) if leading else 0.0


@lru_cache(maxsize=4096)
def _of_subsets(drawn: int, votes: tuple[Votes, ...], k: int) -> float:
    """For each number of votes `top` that can lead: subsets by how many right and wrong answers
    have as many, where no answer has more. Integers, so exact."""
    silent = drawn - sum(count for count, _ in votes)
    won: Counter[tuple[int, int]] = Counter()
    for top in range(1, min(k, max((count for count, _ in votes), default=0)) + 1):
        # Answers that cannot reach `top` are like candidates without a vote: any number of them.
        free = silent + sum(count for count, _ in votes if count < top)
        ways: Counter[tuple[int, int, int]] = Counter({(0, 0, 0): 1})
        for count, right in votes:
            if count >= top:
                ways = _with_answer(ways, count, top, right=right, k=k)
        for (size, rights, wrongs), number in ways.items():
            if rights:
                won[rights, rights + wrongs] += number * math.comb(free, k - size)
    subsets = math.comb(drawn, k)
    return math.fsum(
        rights * number / (leading * subsets) for (rights, leading), number in sorted(won.items())
    )


def _with_answer(
    ways: Counter[tuple[int, int, int]], count: int, top: int, *, right: bool, k: int
) -> Counter[tuple[int, int, int]]:
    """Ways to choose, by size and leading answers, with 0 to `top` votes for one more answer."""
    chosen = [math.comb(count, votes) for votes in range(top + 1)]
    found: Counter[tuple[int, int, int]] = Counter()
    for (size, rights, wrongs), number in ways.items():
        for votes in range(min(top, k - size) + 1):
            leads = votes == top
            state = (size + votes, rights + (leads and right), wrongs + (leads and not right))
            found[state] += number * chosen[votes]
    return found
