"""Two-sided p-value of a paired sign-flip permutation test (Fisher 1935, The Design of Experiments,
section 21).

If two models were alike, each problem's difference were as likely with the other sign. The p-value
is the share of all sign patterns whose sum is at least as far from 0 as the one that was found.
Differences are whole numbers, so all patterns are counted by their sums, exactly. Of differences of
1 and -1 alone this is the exact sign test, and McNemar's exact test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

MAX_CELLS: Final = 500_000_000
"""Additions that the exact count may take (about a second); above it patterns are drawn. 500
problems with 64 candidates each take at most 16 million."""
_MAX_SUM: Final = 5_000_000
"""Sums that are held at a time."""
DRAWS: Final = 100_000
_SEED: Final = 20_250_129
_CELLS_AT_ONCE: Final = 4_000_000


def sign_flip_p(differences: Sequence[int], *, max_cells: int = MAX_CELLS) -> float:
    """The p-value, in (0, 1]; 1 where no difference is other than 0.

    Args:
        differences: One per problem, in units of which every one is a whole number.
        max_cells: Above it `DRAWS` seeded patterns stand for all, and the found one is counted
            among them (Phipson and Smyth 2010), so that the p-value is never 0.
    """
    sizes = np.asarray([abs(one) for one in differences if one], dtype=np.int64)
    if not len(sizes):
        return 1.0
    found = abs(sum(differences))
    total = int(sizes.sum())
    if total > _MAX_SUM or len(sizes) * total > max_cells:
        return _drawn(sizes, found)
    return _counted(sizes, found)


def _counted(sizes: np.ndarray, found: int) -> float:
    """Chances of all sums of the differences that keep their sign, one difference at a time."""
    total = int(sizes.sum())
    chances = np.zeros(total + 1)
    chances[0] = 1.0
    reached = 0
    for size in sorted(sizes.tolist()):
        moved = chances[: reached + 1] / 2
        chances[: reached + 1] = moved
        chances[size : reached + size + 1] += moved
        reached += size
    sums = np.abs(2 * np.arange(total + 1) - total)
    return min(float(chances[sums >= found].sum()), 1.0)


def _drawn(sizes: np.ndarray, found: int) -> float:
    generator = np.random.default_rng(_SEED)
    at_once = max(1, _CELLS_AT_ONCE // len(sizes))
    as_far, left = 0, DRAWS
    while left:
        rows = min(at_once, left)
        signs = 2 * generator.integers(0, 2, size=(rows, len(sizes)), dtype=np.int8) - 1
        as_far += int((np.abs(signs @ sizes) >= found).sum())
        left -= rows
    return (as_far + 1) / (DRAWS + 1)
