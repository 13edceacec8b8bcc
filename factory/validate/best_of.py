"""best@n: how often the best rated of n candidates is correct.

Of k candidates with ratings, every n of them are as likely to have been drawn. The value of a
problem is the mean over all these subsets of whether their best rated candidate is correct:
exact, without drawing subsets, since a candidate with r others above it is the best of a share
C(k - r - 1, n - 1) / C(k, n) of them. Candidates with equal ratings share evenly. Without a rating
one stands below all others: an answer whose rating could not be read, then what has no answer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.parts import iter_columns
from factory.validate.asked import suite_of
from factory.validate.metrics import Estimate, estimate
from factory.validate.outcome import OVERALL
from schemas.verdict import Status

Place = tuple[int, float]
"""Orders candidates: the higher is chosen."""
_NOTHING: Place = 0, 0.0
_UNREADABLE: Place = 1, 0.0


@dataclass(frozen=True)
class Chosen:
    """One candidate, as a rater and the graders see it."""

    place: Place
    correct: bool


def best_at_n(candidates: Sequence[Chosen], drawn: int, n: int) -> float:
    """Share of the subsets of n candidates whose best rated one is correct.

    Args:
        candidates: At most `drawn`; those that never came have no answer and are wrong.
        n: From 1 to `drawn`; 1 gives the share of correct ones.
    """
    assert len(candidates) <= drawn and 1 <= n <= drawn
    tied: defaultdict[Place, list[bool]] = defaultdict(list)
    for one in candidates:
        tied[one.place].append(one.correct)
    tied[_NOTHING] += [False] * (drawn - len(candidates))
    left, found = drawn, 0.0
    for place in sorted(tied, reverse=True):
        group = tied[place]
        if not group:
            continue
        below = left - len(group)
        chosen = math.comb(left, n) - math.comb(below, n)
        found += chosen / math.comb(drawn, n) * sum(group) / len(group)
        left = below
    return min(found, 1.0)


def best_by_suite(
    out_dir: Path, drawn: Mapping[str, int], ns: Sequence[int]
) -> dict[str, dict[str, Estimate]]:
    """best@n per suite, and overall for the n that all suites have, from the verdicts and ratings
    of a validation.

    Args:
        drawn: Suite -> candidates that were asked for per problem.
        ns: Each at most what was drawn for every suite; none: all that were drawn.
    """
    problems = _candidates(out_dir)
    found: dict[str, dict[str, Estimate]] = {}
    for suite, k in drawn.items():
        of_suite = [(one, k) for problem, one in problems.items() if suite_of(problem) == suite]
        found[suite] = {f"best@{n}": _estimate(of_suite, n) for n in sorted({*ns} or {k})}
    everything = [(one, drawn[suite_of(problem)]) for problem, one in problems.items()]
    common = set(ns) or set.intersection(*({k} for k in drawn.values()))
    found[OVERALL] = {f"best@{n}": _estimate(everything, n) for n in sorted(common)}
    return found


def _estimate(problems: Sequence[tuple[Sequence[Chosen], int]], n: int) -> Estimate:
    return estimate(
        [best_at_n(candidates, drawn, n) for candidates, drawn in problems],
        candidates=sum(drawn for _, drawn in problems),
    )


def _candidates(out_dir: Path) -> dict[str, list[Chosen]]:
    """Asked id -> its candidates; problems of which none came are there too."""
    places = {
        candidate: _UNREADABLE if mark is None else (2, mark)
        for candidate, mark in _rows(out_dir, "ratings", ["candidate_id", "mark"])
    }
    found: dict[str, list[Chosen]] = {
        problem: [] for (problem,) in _rows(out_dir, "problems", ["problem_id"])
    }
    columns = ["candidate_id", "problem_id", "status"]
    for candidate, problem, status in _rows(out_dir, "verdicts", columns):
        place = places.get(candidate, _NOTHING)
        found[problem].append(Chosen(place, status == Status.CORRECT))
    return found


def _rows(out_dir: Path, kind: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return [
        row
        for table in iter_columns(out_dir / kind, kind, columns)
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
    ]
