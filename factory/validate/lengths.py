"""Numbers of tokens -> their summary and histogram, as a manifest holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

EDGES: Final = (0, 1, *(step * 2**power for power in range(1, 31) for step in (1, 1.5)))
"""Two bins to a doubling, the same for all models and suites, so that they can be laid over each
other: 0, 1, 2, 3, 4, 6, 8, 12, 16, …"""


def summary(tokens: Sequence[int]) -> dict[str, float] | None:
    """Mean, 10th, 50th and 90th percentile (each a number that was found) and the greatest; None of
    nothing."""
    if not tokens:
        return None
    found = np.asarray(tokens, dtype=np.int64)
    p10, p50, p90 = np.percentile(found, [10, 50, 90], method="inverted_cdf")
    return {
        "mean": float(found.mean()),
        "p10": int(p10),
        "p50": int(p50),
        "p90": int(p90),
        "max": int(found.max()),
    }


def histogram(tokens: Sequence[int]) -> dict[str, Any]:
    """`edges` (one more than `counts`) and `counts`: how many are at least an edge and below the
    next. Edges are those of `EDGES` around the least and the greatest; both empty of nothing."""
    if not tokens:
        return {"edges": [], "counts": []}
    found = np.asarray(tokens, dtype=np.int64)
    edges = np.asarray(EDGES, dtype=np.int64)
    first = int(np.searchsorted(edges, found.min(), side="right")) - 1
    last = int(np.searchsorted(edges, found.max(), side="right"))
    kept = edges[first : last + 1]
    counts = np.bincount(np.searchsorted(kept, found, side="right") - 1, minlength=len(kept) - 1)
    return {"edges": kept.tolist(), "counts": counts.tolist()}
