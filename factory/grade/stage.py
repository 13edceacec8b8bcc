"""The stage `grade`: candidates -> verdicts, part by part, one verdict per candidate."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.digest import digest, fingerprint
from factory.errors import GraderError, ManifestMismatch
from factory.grade.contract import Grader, Item, Verdict
from factory.grade.counted import Counted, tell_kept
from factory.grade.judge import JudgeGrader
from factory.grade.judge_labels import judge_figures
from factory.grade.majority import MajorityGrader, majority_grader
from factory.grade.registry import open_grader
from factory.grade.voters import count_votes, votes_before
from factory.ledger import entry
from factory.parts import (
    as_table,
    iter_columns,
    kept_part,
    read_manifest,
    read_part,
    write_part,
)
from factory.problems import read_problems
from factory.recipe_file import existing
from factory.shown.meter import Meter
from factory.shown.progress import progress
from schemas.arrow import CANDIDATE, VERDICT
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.problem import GraderName, Problem
from schemas.spent import Spent
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
    before: Sequence[Path] = (),
) -> StageResult:
    """One `verdicts-NNNNN` per `candidates-NNNNN`, same rows in the same order.

    Parts that are there already and valid are kept. A wrong, cut or hanging answer is a verdict;
    nothing is dropped. The candidates of problems without gold vote before anything is graded; the
    votes are a part `votes-00000`. Where a judge graded, its figures are under `judge`.

    Args:
        before: Artifacts of `grade` of the rounds before: their votes hold for further candidates
            of the same problems, rewritten forms above all, and their verdicts count towards what
            is shown of quotas.

    Raises:
        ManifestMismatch: A candidate answers a problem that is not in `problems_dir`, or is the
            rewritten form of one whose vote is in none of `before`.
        GraderError, SandboxUnavailable: The machinery of a grader broke, or there is no grader of
            a name that a problem asks for.
        RecipeError, TeacherError, GradeFileError: Of the judge and its labels, as `judge_figures`.
    """
    start = time.monotonic()
    manifest = read_manifest(candidates_dir)
    todo = [part for part in manifest.parts if part.path.startswith("candidates-")]
    problems = read_problems(problems_dir)
    counted = Counted(problems)
    parts: list[PartFile] = []
    with ExitStack() as stack:
        graders = _Graders(stack, grade, machine)
        votes = _votes(candidates_dir, problems, graders, before, out_dir, key)
        meter = Meter.of_round(manifest.figures, _correct(before))
        rows = sum(part.rows for part in todo)
        bar = stack.enter_context(progress("grade", rows, "candidates", about=meter))
        for part in todo:
            name = part.path.replace("candidates-", "verdicts-", 1)
            made_from = digest([key, part.sha256, *(one.sha256 for one in votes)])
            kept = kept_part(out_dir, name, made_from=made_from)
            known = kept is not None
            if kept is None:
                table = read_part(candidates_dir, part, CANDIDATE).select(_READ)
                path = candidates_dir / part.path
                verdicts = _verdicts(table, problems, graders, bar, path, meter)
                kept = write_part(out_dir, name, verdicts, made_from=made_from)
            verdicts = read_part(out_dir, kept, VERDICT)
            if known:
                bar.update(part.rows)
                tell_kept(meter.heard, verdicts, problems)
            parts.append(kept)
            counted.add(verdicts)
    figures = counted.figures()
    if GraderName.JUDGE in counted.graders:
        figures["judge"] = judge_figures(grade, machine)
        figures |= graders.spent()
    return StageResult(
        parts=[*parts, *votes],
        ledger=entry("grade", rows, rows, {}),
        figures={**figures, "wall_s": time.monotonic() - start},
    )


def _correct(before: Sequence[Path]) -> Counter[str]:
    """Problem -> correct candidates of the rounds before."""
    correct: Counter[str] = Counter()
    for folder in before:
        for table in iter_columns(folder, "verdicts", ["problem_id", "status"]):
            rows = zip(table["problem_id"].to_pylist(), table["status"].to_pylist(), strict=True)
            correct.update(problem for problem, status in rows if status == Status.CORRECT)
    return correct


def grade_fingerprint(grade: Grade) -> str:
    """What of the files that `[grade]` names enters the key of the stage.

    Raises:
        RecipeError: A file is not there.
    """
    labels = grade.judge.labels
    return fingerprint(existing(labels, "grade.judge.labels")) if labels else ""


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

    def spent(self) -> dict[str, Any]:
        """What the judge's questions took, for the figures; nothing where none was asked."""
        judge = self._open.get(GraderName.JUDGE)
        if not isinstance(judge, JudgeGrader) or judge.spent == Spent():
            return {}
        return {"spent": judge.spent.model_dump(mode="json")}

    def open_majority(self) -> MajorityGrader:
        """The grader that votes, before it has counted any."""
        return self._stack.enter_context(majority_grader(self._grade, self._machine))

    def put(self, name: str, grader: Grader) -> None:
        """Use this one under that name."""
        self._open[name] = grader


def _votes(
    candidates_dir: Path,
    problems: dict[str, Problem],
    graders: _Graders,
    voted: Sequence[Path],
    out_dir: Path,
    key: str,
) -> list[PartFile]:
    """The part with the votes, by which the grader `majority` then goes; none where every problem
    has a gold."""
    if not any(one.grader is GraderName.MAJORITY for one in problems.values()):
        return []
    grader = graders.open_majority()
    digests = [read_manifest(folder).digest for folder in (candidates_dir, *voted)]
    part, votes = count_votes(
        candidates_dir,
        problems,
        grader,
        before=votes_before(voted),
        out_dir=out_dir,
        made_from=digest([key, *digests]),
    )
    graders.put(GraderName.MAJORITY, grader.by(votes))
    return [part]


def _verdicts(
    table: pa.Table,
    problems: dict[str, Problem],
    graders: _Graders,
    bar: Any,
    path: Path,
    meter: Meter,
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
            graded = graders[name].grade_many(items)
            for position, grading in zip(batch, graded, strict=True):
                verdicts[position] = _row(rows[position], grading)
            meter.heard([(item.problem, one) for item, one in zip(items, graded, strict=True)])
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
