"""The stage `grade`: candidates -> verdicts, part by part, one verdict per candidate."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.digest import digest
from factory.errors import GraderError, ManifestMismatch
from factory.grade.contract import Grader, Item, Verdict
from factory.grade.registry import open_grader
from factory.ledger import entry
from factory.parts import as_table, kept_part, read_manifest, read_part, write_part
from factory.problems import read_problems
from factory.progress import progress
from schemas.arrow import CANDIDATE, VERDICT
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.problem import Problem
from schemas.recipe import Grade
from schemas.verdict import Status

_BATCH: Final = 256
"""Candidates that a grader gets at once: progress moves and little is lost when it is stopped."""
_READ: Final = ["candidate_id", "problem_id", "index", "round", "text", "finish_reason"]


def grade_candidates(
    problems_dir: Path,
    candidates_dir: Path,
    grade: Grade,
    *,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """One `verdicts-NNNNN` per `candidates-NNNNN`, same rows in the same order.

    Parts that are there already and valid are kept. A wrong, cut or hanging answer is a verdict;
    nothing is dropped.

    Raises:
        ManifestMismatch: A candidate answers a problem that is not in `problems_dir`.
        GraderError, SandboxUnavailable: The machinery of a grader broke, or there is no grader of
            a name that a problem asks for.
    """
    start = time.monotonic()
    candidates = read_manifest(candidates_dir)
    todo = [part for part in candidates.parts if part.path.startswith("candidates-")]
    parts: list[PartFile] = []
    statuses: Counter[str] = Counter()
    with ExitStack() as stack:
        problems: dict[str, Problem] = {}
        graders = _Graders(stack, grade, machine)
        bar = stack.enter_context(progress("grade", sum(part.rows for part in todo), "candidates"))
        for part in todo:
            name = part.path.replace("candidates-", "verdicts-", 1)
            made_from = digest([key, part.sha256])
            kept = kept_part(out_dir, name, made_from=made_from)
            if kept is None:
                problems = problems or read_problems(problems_dir)
                table = read_part(candidates_dir, part, CANDIDATE).select(_READ)
                verdicts = _verdicts(table, problems, graders, bar, candidates_dir / part.path)
                kept = write_part(out_dir, name, verdicts, made_from=made_from)
            else:
                bar.update(part.rows)
            parts.append(kept)
            statuses.update(read_part(out_dir, kept, VERDICT)["status"].to_pylist())
    rows = sum(part.rows for part in todo)
    figures = {"statuses": dict(sorted(statuses.items())), "wall_s": time.monotonic() - start}
    return StageResult(parts=parts, ledger=entry("grade", rows, rows, {}), figures=figures)


class _Graders:
    """Graders that are opened when first needed and closed with the stack."""

    def __init__(self, stack: ExitStack, grade: Grade, machine: Machine) -> None:
        self._stack = stack
        self._grade = grade
        self._machine = machine
        self._open: dict[str, Grader] = {}

    def __getitem__(self, name: str) -> Grader:
        if name not in self._open:
            grader = open_grader(name, self._grade, self._machine)
            self._open[name] = self._stack.enter_context(grader)
        return self._open[name]


def _verdicts(
    table: pa.Table, problems: dict[str, Problem], graders: _Graders, bar: Any, path: Path
) -> pa.Table:
    rows = table.to_pylist()
    groups: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        problem = problems.get(row["problem_id"])
        if problem is None:
            raise ManifestMismatch(
                f"{path}: candidate {row['candidate_id']} answers problem {row['problem_id']!r}, "
                f"expected one of the {len(problems)} collected problems, found none; these "
                f"candidates were drawn for other problems, delete their artifact and run again"
            )
        groups.setdefault(problem.grader, []).append(position)
    verdicts: list[dict[str, Any]] = [{}] * len(rows)
    for name, positions in sorted(groups.items()):
        for first in range(0, len(positions), _BATCH):
            batch = positions[first : first + _BATCH]
            items = [
                Item(
                    problems[rows[position]["problem_id"]],
                    rows[position]["text"],
                    FinishReason(rows[position]["finish_reason"]),
                )
                for position in batch
            ]
            for position, grading in zip(batch, graders[name].grade_many(items), strict=True):
                verdicts[position] = _row(rows[position], grading)
            bar.update(len(batch))
    return as_table(verdicts, VERDICT)


def _row(candidate: dict[str, Any], grading: Verdict) -> dict[str, Any]:
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
