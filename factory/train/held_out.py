"""Which problems are held out: learned by no student, and measured by the evaluation loss.

By problem, so that no sample of a held-out problem is learned. The draw is by the problem's name
and the seed alone: students of one recipe hold out the same problems, and a dataset that grows
keeps nearly all of those it held out before. Not covered: two problems that say the same under
different names; the dataset's own dedupe is for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory.digest import chance


@dataclass(frozen=True)
class HeldOut:
    """The problems whose draw is below a limit."""

    seed: int
    limit: int
    """Zero: none. Draws are uniform below 2^64."""

    def __contains__(self, problem: str) -> bool:
        return self.limit > 0 and _draw(self.seed, problem) < self.limit


def hold_out(problems: Iterable[pa.Array], share: float, seed: int) -> HeldOut:
    """The share of the problems with the lowest draws: at least one of several, and never all.

    Args:
        problems: Their names, in any order, each as often as it likes; eight bytes of each are
            held.
        share: In [0, 1).
        seed: Of the recipe.
    """
    drawn: list[npt.NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    for names in problems:
        draws = [_draw(seed, name) for name in names.unique().to_pylist()]
        drawn.append(np.unique(np.asarray(draws, dtype=np.uint64)))
    ordered = np.unique(np.concatenate(drawn))
    if share <= 0 or len(ordered) < 2:
        return HeldOut(seed, 0)
    count = min(max(1, round(share * len(ordered))), len(ordered) - 1)
    return HeldOut(seed, int(ordered[count]))


def _draw(seed: int, problem: str) -> int:
    return int(chance(seed, problem), 16)
