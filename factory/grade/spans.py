"""Verdicts on some rows of a part of candidates: the work that `grade` gives to `map_parts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.errors import GraderError
from factory.grade.contract import Grader, Item, Verdict
from factory.grade.registry import open_grader
from factory.parts import as_table, read_columns
from factory.problem_file import open_problems
from schemas.arrow import VERDICT
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import PartFile
from schemas.problem import Problem
from schemas.verdict import Status

_READ: Final = ["candidate_id", "problem_id", "index", "round", "text", "finish_reason"]


@dataclass(frozen=True)
class Span:
    """Rows of one part that one grader grades."""

    part: PartFile
    grader: str
    rows: NDArray[np.int64]
    """Their places in the part, ascending."""


class SpanGrader:
    """`grader(span)` gives a table of `VERDICT` rows, in the order of the span's rows.

    A context manager: graders are opened when a span first needs them and closed at its end.
    Several threads may grade spans for sandboxes at once; such graders allow it.
    """

    def __init__(
        self,
        problems: Path,
        problems_digest: str,
        candidates_dir: Path,
        grade: Grade,
        machine: Machine,
    ) -> None:
        """
        Args:
            problems: The problem file (`factory.problem_file`), and the digest of what it was
                made from.
            machine: `workers` is how many hard comparisons one of these makes at a time.
        """
        self._problems = problems
        self._problems_digest = problems_digest
        self._candidates_dir = candidates_dir
        self._grade = grade
        self._machine = machine
        self._stack = ExitStack()
        self._open: dict[str, Grader] = {}
        self._last: tuple[str, pa.Table] | None = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        given = self._problems, self._problems_digest, self._candidates_dir
        return type(self), (*given, self._grade, self._machine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.clear()
        self._last = None
        self._stack.close()

    def opened(self, name: str) -> Grader | None:
        """The grader of that name, where a span needed it."""
        return self._open.get(name)

    def put(self, name: str, grader: Grader) -> None:
        """Have spans of that name graded by this one."""
        self._open[name] = grader

    def __call__(self, span: Span) -> pa.Table:
        """
        Raises:
            GraderError, SandboxUnavailable: The machinery of a grader broke.
            ManifestMismatch: The part is not whole.
        """
        rows = self._part(span.part).take(pa.array(span.rows)).to_pylist()
        problems = self._problems_of(rows)
        items = [
            Item(problems[row["problem_id"]], row["text"], FinishReason(row["finish_reason"]))
            for row in rows
        ]
        verdicts = self._grader(span.grader).grade_many(items)
        return as_table((_row(*one) for one in zip(rows, verdicts, strict=True)), VERDICT)

    def _part(self, part: PartFile) -> pa.Table:
        """The part; spans of one part mostly follow each other."""
        with self._lock:
            if self._last is None or self._last[0] != part.path:
                self._last = part.path, read_columns(self._candidates_dir, part, _READ)
            return self._last[1]

    def _problems_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Problem]:
        with self._lock:
            file = open_problems(self._problems, self._problems_digest)
        return file.problems(list(dict.fromkeys(row["problem_id"] for row in rows)))

    def _grader(self, name: str) -> Grader:
        with self._lock:
            if name not in self._open:
                grader = open_grader(name, self._grade, self._machine)
                self._open[name] = self._stack.enter_context(grader)
            return self._open[name]


def _row(candidate: Mapping[str, Any], grading: Verdict) -> dict[str, Any]:
    if grading.status is Status.INFRA:
        raise GraderError(
            f"candidate {candidate['candidate_id']}: expected a verdict, found a failure of the "
            f"machine after retries ({grading.detail}); mend it and run again, finished parts are "
            f"kept"
        )
    return {
        **{name: candidate[name] for name in ("candidate_id", "problem_id", "index", "round")},
        "status": grading.status.value,
        "extracted": grading.extracted,
        "method": grading.method,
        "detail": grading.detail,
        "passed": grading.passed,
        "total": grading.total,
        "wall_s": grading.wall_s,
    }
