"""What the figures of the stage `grade` count, and who is told of verdicts as they are reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from factory.grade.contract import Verdict
from schemas.problem import Problem
from schemas.verdict import Status

Told = Callable[[Sequence[tuple[Problem, Verdict]]], None]
"""Called with each batch of verdicts and the problems that they are on."""


class Counted:
    """Verdicts by status and by the domain of their problem; rows are not kept."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self._problems = problems
        self._statuses: Counter[str] = Counter()
        self._graded: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()
        self.graders: set[str] = set()
        """Names of the graders that gave them."""

    def add(self, verdicts: pa.Table) -> None:
        """Take the verdicts of one part in."""
        names, statuses = (verdicts[name].to_pylist() for name in ("problem_id", "status"))
        self._statuses.update(statuses)
        for name, status in zip(names, statuses, strict=True):
            problem = self._problems[name]
            self._graded[problem.domain.value] += 1
            self._accepted[problem.domain.value] += status == Status.CORRECT
            self.graders.add(problem.grader)

    def figures(self) -> dict[str, Any]:
        """Counts by status and by domain, sorted by name."""
        return {
            "statuses": dict(sorted(self._statuses.items())),
            "graded_by_domain": dict(sorted(self._graded.items())),
            "accepted_by_domain": dict(sorted(self._accepted.items())),
        }


def tell_kept(told: Told, verdicts: pa.Table, problems: Mapping[str, Problem]) -> None:
    """Tell of the verdicts of a part that was there already, as one batch."""
    told([(problems[row["problem_id"]], _verdict(row)) for row in verdicts.to_pylist()])


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(
        Status(row["status"]),
        row["extracted"],
        row["method"],
        row["detail"],
        row["wall_s"],
        row["passed"],
        row["total"],
    )
