"""pass@1, pass@k and maj@k from graded answers, with their standard errors and intervals.

pass@k is the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374, section 2.1):
`1 - C(n - c, k) / C(n, k)` for c correct of n drawn; pass@1 is then c / n. maj@k is cons@k of the
R1 report: the answer that most of the first k candidates gave, right or wrong. Answers that were
cut, empty or never drawn are wrong, and have no vote.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_Z: Final = 1.959964
"""97.5% quantile of the normal distribution."""


@dataclass(frozen=True)
class Answer:
    """One candidate's answer."""

    correct: bool
    vote: str
    """The answer in its normalised spelling; empty where there is none."""


@dataclass(frozen=True)
class Answers:
    """All answers to one problem."""

    drawn: int
    """Candidates that were asked for, those that never came included."""
    given: Sequence[Answer]
    """In the order of the candidates' index; at most `drawn`."""
    comparable: bool
    """Whether answers can be counted as votes; programs cannot."""


@dataclass(frozen=True)
class Estimate:
    """A mean over problems."""

    value: float
    stderr: float
    """Standard error of the mean; 0 for one problem, where it cannot be estimated."""
    n: int
    """Problems."""
    low: float
    high: float
    """The 95% interval, as `schemas.score.Score` says."""
    stderr_candidates: float | None = None


def pass_at_k(drawn: int, correct: int, k: int) -> float:
    """Chance that k of the drawn candidates, taken at random, hold a correct one.

    Args:
        k: At most `drawn`.
    """
    assert 0 <= correct <= drawn and 1 <= k <= drawn
    return 1.0 - math.comb(drawn - correct, k) / math.comb(drawn, k)


def majority_is_correct(given: Sequence[Answer]) -> bool:
    """Whether the most frequent answer is right; of equally frequent ones the first that was given.

    A spelling is right if the first candidate that gave it was.
    """
    votes = Counter(answer.vote for answer in given if answer.vote)
    if not votes:
        return False
    winner, _ = votes.most_common(1)[0]  # stable: insertion order breaks ties
    return next(answer.correct for answer in given if answer.vote == winner)


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and standard error of one value per problem; there must be a problem."""
    n = len(values)
    mean = min(math.fsum(values) / n, 1.0)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else 0.0
    stderr = math.sqrt(variance / n)
    low, high = wilson(mean, mean * (1 - mean) / stderr**2 if stderr else n)
    return Estimate(mean, stderr, n, low, high)


def wilson(mean: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share found in n independent trials (Wilson 1927), in [0, 1]."""
    spread = _Z**2 / n
    centre = (mean + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(mean * (1 - mean) / n + spread / (4 * n)) / (1 + spread)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def pass_estimate(problems: Sequence[Answers], k: int) -> Estimate:
    """pass@k over problems."""
    return estimate(
        [pass_at_k(one.drawn, sum(answer.correct for answer in one.given), k) for one in problems]
    )


def majority_estimate(problems: Sequence[Answers], k: int) -> Estimate | None:
    """maj@k over the problems whose answers can be compared; None where there are none."""
    values = [float(majority_is_correct(one.given[:k])) for one in problems if one.comparable]
    return estimate(values) if values else None


def metrics(problems: Sequence[Answers], ks: Sequence[int]) -> dict[str, Estimate]:
    """pass@1 always, pass@k for each k, maj@k for each k above 1, by name in that order."""
    found: dict[str, Estimate] = {}
    for k in sorted({1, *ks}):
        found[f"pass@{k}"] = pass_estimate(problems, k)
    for k in sorted({k for k in ks if k > 1}):
        majority = majority_estimate(problems, k)
        if majority is not None:
            found[f"maj@{k}"] = majority
    return found
