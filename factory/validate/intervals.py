"""95% intervals from a mean over problems and its standard error.

A mean of shares is given Wilson's interval (Wilson 1927) with the number of problems that a
binomial of the same standard error would have, as for complex samples (Korn and Graubard 1998,
Survey Methodology 24): it stays in [0, 1] and says something at 0 and 1 too. That number is made
smaller for the standard error being estimated itself, by the squared ratio of the normal and
Student's quantile, and is never above the number of candidates, because candidates of one problem
tell less than those of as many problems. `benchmarks/interval_coverage.py` measures how often the
intervals hold the truth.
"""

from __future__ import annotations

import math
from typing import Final

Z: Final = 1.9599639845
"""97.5% quantile of the normal distribution."""


def wilson(mean: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share found in n independent trials, in [0, 1]."""
    spread = Z**2 / n
    centre = (mean + spread / 2) / (1 + spread)
    half = Z * math.sqrt(mean * (1 - mean) / n + spread / (4 * n)) / (1 + spread)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def share_interval(
    mean: float, stderr: float, n: int, most: int | None = None
) -> tuple[float, float]:
    """The interval of a mean of n shares.

    Args:
        stderr: 0 where it cannot be estimated (one problem, or all alike): n counts as it is.
        most: Candidates of all problems; None: the number of trials has no such bound.
    """
    if n < 2 or stderr == 0.0:
        return wilson(mean, n)
    trials = mean * (1 - mean) / stderr**2 * (Z / student(n - 1)) ** 2
    return wilson(mean, trials if most is None else min(trials, most))


def difference_interval(mean: float, stderr: float, n: int) -> tuple[float, float]:
    """The interval of a mean of n differences between shares, in [-1, 1].

    Student's. Where all differences are alike there is no standard error: then so large a share of
    further problems may be -1 or 1 as Wilson's interval leaves possible after 0 in n trials.
    """
    if n > 1 and stderr:
        half = student(n - 1) * stderr
        return max(mean - half, -1.0), min(mean + half, 1.0)
    others = wilson(0.0, n)[1]
    return mean - others * (1 + mean), mean + others * (1 - mean)


def student(freedom: int) -> float:
    """97.5% quantile of Student's t: closed forms for 1 and 2 degrees of freedom, else the
    expansion of Abramowitz and Stegun 26.7.5 (within 0.003)."""
    if freedom == 1:
        return math.tan(math.pi * 0.475)
    if freedom == 2:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2))
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
