"""The learning rate: a linear warm-up, then the schedule of the recipe."""

from __future__ import annotations

import math
from typing import Final, Literal

Schedule = Literal["cosine", "linear", "constant", "warmup-stable-decay"]

DECAY_RATIO: Final = 0.2
"""Of the steps, over which `warmup-stable-decay` falls at the end (Hu et al. 2024, MiniCPM: a
tenth to a fifth)."""


def learning_rate(
    step: int,
    *,
    steps: int,
    peak: float,
    warmup_ratio: float,
    min_lr_ratio: float,
    schedule: Schedule = "cosine",
) -> float:
    """The learning rate of one optimizer step, counted from 0.

    The first `ceil(warmup_ratio * steps)` steps rise to the peak. Then it falls to
    `min_lr_ratio * peak` at the last step: as a cosine (R1's students, to a tenth), linearly,
    linearly over the last fifth of all steps, or, `constant`, not at all.
    """
    warmup = math.ceil(warmup_ratio * steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    if schedule == "constant":
        return peak
    falling = steps - warmup
    if schedule == "warmup-stable-decay":
        falling = min(falling, math.ceil(DECAY_RATIO * steps))
    done = max(0.0, (step + 1 - (steps - falling)) / max(1, falling))
    left = (1 + math.cos(math.pi * done)) / 2 if schedule == "cosine" else 1 - done
    return peak * (min_lr_ratio + (1 - min_lr_ratio) * left)
