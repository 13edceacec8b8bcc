"""The learning rate: linear warm-up, then a cosine to a fraction of the peak."""

from __future__ import annotations

import math


def learning_rate(
    step: int, *, steps: int, peak: float, warmup_ratio: float, min_lr_ratio: float
) -> float:
    """The learning rate of one optimizer step, counted from 0.

    The first `ceil(warmup_ratio * steps)` steps rise to the peak, the last step has
    `min_lr_ratio * peak` (R1's students: a tenth).
    """
    warmup = math.ceil(warmup_ratio * steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup + 1) / max(1, steps - warmup)
    return peak * (min_lr_ratio + (1 - min_lr_ratio) * (1 + math.cos(math.pi * done)) / 2)
