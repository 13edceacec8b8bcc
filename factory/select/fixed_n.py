"""What the same problems would have cost had each got the same number of candidates.

The baseline draws `n` candidates of every problem, `n` being the most that any problem of its
domain got in this run, as systems do that know no rounds. Its tokens are the problem's mean per
candidate times `n`. Its accepted candidates are counted as ours are, at most `wanted` per problem:
those that were seen, and of the `n - m` that were not drawn a binomial number with the problem's
own pass rate, correct / drawn. (Binomial, because candidates are independent draws of one teacher;
a hypergeometric number would be right for a sample of a finite set of answers, which there is not.)
Where all `n` were drawn nothing is estimated.

Two things to know of the estimate. A problem that was given up before `n` has the pass rate 0, so
the baseline is taken to find nothing there either: that is in our favour, and `given_up_early`
counts how many there are. A problem that stopped because it was solved has all that is wanted
already, so its pass rate, which stopping makes too high, decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Drawn:
    """What one problem got."""

    domain: str
    candidates: int
    """At least one."""
    correct: int
    tokens: int
    wanted: int
    """Correct candidates that count."""


def fixed_n(problems: Iterable[Drawn]) -> dict[str, Any]:
    """Tokens per accepted candidate, ours and those of the baseline, overall and by domain.

    Returns:
        `n` by domain; `tokens_per_accepted` of the baseline, `ours`, and `ratio`, ours over the
        baseline's, each None where nothing was accepted; `problems`; `given_up_early`; and
        `by_domain` with the same, where `n` is a number.
    """
    domains: dict[str, list[Drawn]] = defaultdict(list)
    for one in problems:
        domains[one.domain].append(one)
    sums = {domain: _sum_up(some) for domain, some in sorted(domains.items())}
    return {
        "n": {domain: one.n for domain, one in sums.items()},
        **_shares(list(sums.values())),
        "by_domain": {domain: {"n": one.n, **_shares([one])} for domain, one in sums.items()},
    }


@lru_cache(maxsize=65536)
def expected_accepted(candidates: int, correct: int, wanted: int, n: int) -> float:
    """Accepted candidates to expect of a problem, at most `wanted`, had it got `n`.

    Args:
        candidates: Drawn so far, from 1 to `n`.
        correct: Of these.
    """
    further, short = n - candidates, wanted - correct
    if short <= 0 or further == 0:
        return float(min(wanted, correct))
    rate = correct / candidates
    if rate == 1.0:
        return float(min(wanted, correct + further))
    chance = (1.0 - rate) ** further  # of `found` correct ones among the further
    below, gained = 0.0, 0.0
    for found in range(min(short, further + 1)):
        below += chance
        gained += chance * found
        chance *= (further - found) / (found + 1) * rate / (1.0 - rate)
    return correct + gained + short * max(0.0, 1.0 - below)


@dataclass(frozen=True)
class _Sums:
    n: int
    problems: int
    given_up_early: int
    tokens: int
    accepted: int
    baseline_tokens: float
    baseline_accepted: float


def _sum_up(problems: Sequence[Drawn]) -> _Sums:
    n = max(one.candidates for one in problems)
    return _Sums(
        n=n,
        problems=len(problems),
        given_up_early=sum(one.correct == 0 and one.candidates < n for one in problems),
        tokens=sum(one.tokens for one in problems),
        accepted=sum(min(one.wanted, one.correct) for one in problems),
        baseline_tokens=sum(one.tokens / one.candidates * n for one in problems),
        baseline_accepted=sum(
            expected_accepted(one.candidates, one.correct, one.wanted, n) for one in problems
        ),
    )


def _shares(sums: Sequence[_Sums]) -> dict[str, Any]:
    accepted = sum(one.accepted for one in sums)
    expected = sum(one.baseline_accepted for one in sums)
    ours = sum(one.tokens for one in sums) / accepted if accepted else None
    baseline = sum(one.baseline_tokens for one in sums) / expected if expected else None
    return {
        "tokens_per_accepted": baseline,
        "ours": ours,
        "ratio": ours / baseline if ours is not None and baseline else None,
        "problems": sum(one.problems for one in sums),
        "given_up_early": sum(one.given_up_early for one in sums),
    }
