"""What the figures of the stage `grade` count, and what its meter is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from factory.problems import Kind
from factory.shown.meter import Meter
from schemas.verdict import Status


class Counted:
    """Verdicts by status and by the domain of their problem; rows are not kept."""

    def __init__(self, kinds: Mapping[str, Kind], meter: Meter) -> None:
        self._kinds = kinds
        self._meter = meter
        self._statuses: Counter[str] = Counter()
        self._graded: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()
        self.graders: set[str] = set()
        """Names of the graders that gave them."""

    def add(self, verdicts: pa.Table) -> None:
        """Take some verdicts in, and tell the meter of each."""
        names, statuses = (verdicts[name].to_pylist() for name in ("problem_id", "status"))
        self._statuses.update(statuses)
        for name, status in zip(names, statuses, strict=True):
            kind, correct = self._kinds[name], status == Status.CORRECT
            self._graded[kind.domain] += 1
            self._accepted[kind.domain] += correct
            self.graders.add(kind.grader)
            self._meter.graded(name, kind, correct=correct)

    def figures(self) -> dict[str, Any]:
        """Counts by status and by domain, sorted by name."""
        return {
            "statuses": dict(sorted(self._statuses.items())),
            "graded_by_domain": dict(sorted(self._graded.items())),
            "accepted_by_domain": dict(sorted(self._accepted.items())),
        }
