"""pass@1, pass@k and maj@k from graded answers, with their standard errors and intervals.

pass@k is the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374, section 2.1):
`1 - C(n - c, k) / C(n, k)` for c correct of n drawn; pass@1 is then c / n. maj@k is cons@k of the
R1 report: the answer that most of k candidates gave, right or wrong (`plurality`). Answers that
were cut, empty or never drawn are wrong, and have no vote.

Standard errors over problems are those of a mean of independent problems. Those over candidates
hold the problems fixed: the sum over problems of an unbiased estimate of the variance of the
problem's own value, see `pass_at_k_variance`. docs/validation.md has the formulas.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from factory.validate.intervals import share_interval
from factory.validate.plurality import majority_at_k


@dataclass(frozen=True)
class Answer:
    """One candidate's answer."""

    correct: bool
    vote: str
    """A name that equal answers to the problem share (`votes`); empty where there is no answer."""


@dataclass(frozen=True)
class Answers:
    """All answers to one problem."""

    drawn: int
    """Candidates that were asked for, those that never came included."""
    given: Sequence[Answer]
    """In the order of the candidates' index; at most `drawn`."""
    comparable: bool
    """Whether answers can be counted as votes; programs cannot."""

    @property
    def correct(self) -> int:
        """Candidates with a correct answer."""
        return sum(answer.correct for answer in self.given)


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


def pass_at_k_variance(drawn: int, correct: int, k: int) -> float | None:
    """Unbiased estimate of the variance that `pass_at_k` has over draws of the candidates.

    With w wrong of n and q the chance of a wrong one, C(w, k) / C(n, k) estimates q**k without
    bias and C(w, 2k) / C(n, 2k) its square, so the square of the first less the second estimates
    the variance. For k = 1 it is p(1 - p) / (n - 1). It is never negative.

    Returns:
        None where 2k candidates were not drawn: one draw does not tell then.
    """
    if 2 * k > drawn:
        return None
    wrong = drawn - correct
    once = math.comb(wrong, k) / math.comb(drawn, k)
    return max(once**2 - math.comb(wrong, 2 * k) / math.comb(drawn, 2 * k), 0.0)


def majority(one: Answers, k: int) -> float:
    """maj@k of one problem; an answer is right where more than half of those who gave it are."""
    cast: defaultdict[str, list[bool]] = defaultdict(list)
    for answer in one.given:
        if answer.vote:
            cast[answer.vote].append(answer.correct)
    votes = [(len(given), 2 * sum(given) > len(given)) for given in cast.values()]
    return majority_at_k(one.drawn, votes, k)


def estimate(
    values: Sequence[float],
    *,
    candidates: int | None = None,
    variances: Sequence[float | None] = (None,),
) -> Estimate:
    """Mean, standard errors and interval of one value per problem; there must be a problem.

    Args:
        values: In [0, 1].
        candidates: Of all problems together; bounds how narrow the interval is.
        variances: Of each value over draws of its candidates, if known.
    """
    n = len(values)
    alike = min(values) == max(values)  # exactly: a mean of n thirds is rounded
    mean = values[0] if alike else min(math.fsum(values) / n, 1.0)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else 0.0
    stderr = math.sqrt(variance / n)
    low, high = share_interval(mean, stderr, n, candidates)
    known = [one for one in variances if one is not None]
    of_draws = math.sqrt(math.fsum(known)) / n if len(known) == len(variances) else None
    return Estimate(mean, stderr, n, low, high, of_draws)


def pass_estimate(problems: Sequence[Answers], k: int) -> Estimate:
    """pass@k over problems."""
    return estimate(
        [pass_at_k(one.drawn, one.correct, k) for one in problems],
        candidates=sum(one.drawn for one in problems),
        variances=[pass_at_k_variance(one.drawn, one.correct, k) for one in problems],
    )


def majority_estimate(problems: Sequence[Answers], k: int) -> Estimate | None:
    """maj@k over the problems whose answers can be compared; None where there are none."""
    voted = [one for one in problems if one.comparable]
    if not voted:
        return None
    return estimate([majority(one, k) for one in voted], candidates=sum(one.drawn for one in voted))


def metrics(problems: Sequence[Answers], ks: Sequence[int]) -> dict[str, Estimate]:
    """pass@1 always, pass@k for each k, maj@k for each k above 1, by name in that order."""
    found: dict[str, Estimate] = {}
    for k in sorted({1, *ks}):
        found[f"pass@{k}"] = pass_estimate(problems, k)
    for k in sorted({k for k in ks if k > 1}):
        voted = majority_estimate(problems, k)
        if voted is not None:
            found[f"maj@{k}"] = voted
    return found
