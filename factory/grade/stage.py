"""The stage `grade`: candidates -> verdicts, part by part, one verdict per candidate."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa

from factory.digest import digest, fingerprint
from factory.executor import Executor, executor_of
from factory.grade.counted import Counted
from factory.grade.judge import JudgeGrader
from factory.grade.judge_labels import judge_figures
from factory.grade.majority import MajorityGrader, majority_grader
from factory.grade.spans import SpanGrader
from factory.grade.verdict_parts import VerdictParts, in_sandbox
from factory.grade.voters import count_votes, votes_before
from factory.ledger import entry
from factory.parts import iter_columns, map_parts, read_manifest
from factory.problem_file import open_problems, write_problem_file
from factory.problems import Kind, problem_kinds
from factory.recipe_file import existing
from factory.scratch import scratch_in
from factory.shown.meter import Meter
from factory.shown.progress import progress
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.problem import GraderName
from schemas.spent import Spent
from schemas.verdict import Status

_ROWS_PER_WORKER: Final = 4096
"""Fewer candidates are graded sooner than another process starts."""


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
    drawn = [part for part in manifest.parts if part.path.startswith("candidates-")]
    rows = sum(part.rows for part in drawn)
    kinds = problem_kinds(problems_dir)
    meter = Meter.of_round(manifest.figures, _correct(before))
    counted = Counted(kinds, meter)
    with ExitStack() as stack:
        problems = _problem_file(problems_dir, out_dir, stack)
        here = stack.enter_context(SpanGrader(*problems, candidates_dir, grade, machine))
        voting = stack.enter_context(majority_grader(grade, machine))
        votes = _votes(candidates_dir, kinds, problems, here, voting, before, out_dir, key)
        bar = stack.enter_context(progress("grade", rows, "candidates", about=meter))

        def told(verdicts: pa.Table) -> None:
            counted.add(verdicts)
            bar.update(verdicts.num_rows)

        parts = VerdictParts(
            drawn,
            candidates_dir,
            out_dir,
            made_from=digest([key, *(one.sha256 for one in votes)]),
            kinds=kinds,
            here=here,
            told=told,
        )
        executor = _executor(machine, parts.take_kept())
        work = SpanGrader(*problems, candidates_dir, grade, _of_one(machine, executor))
        spans = parts.spans()
        for position, verdicts in map_parts(work, spans, executor=executor, in_sandbox=in_sandbox):
            parts.put(position, verdicts)
        judge = here.opened(GraderName.JUDGE)
    figures = counted.figures()
    if GraderName.JUDGE in counted.graders:
        figures["judge"] = judge_figures(grade, machine)
    if isinstance(judge, JudgeGrader) and judge.spent != Spent():
        figures["spent"] = judge.spent.model_dump(mode="json")
    return StageResult(
        parts=[*parts.finished(), *votes],
        ledger=entry("grade", rows, rows, {}),
        figures={**figures, "wall_s": time.monotonic() - start},
    )


def _executor(machine: Machine, candidates: int) -> Executor:
    """Where so many are graded; a cluster grades few too, because it may be what has Docker."""
    executor = executor_of(machine)
    return executor if executor.ray else executor.at_most(1 + candidates // _ROWS_PER_WORKER)


def _of_one(machine: Machine, executor: Executor) -> Machine:
    """The machine file for one of several workers, which compares one hard pair at a time."""
    return machine.model_copy(update={"workers": 1}) if executor.workers > 1 else machine


def _problem_file(problems_dir: Path, out_dir: Path, stack: ExitStack) -> tuple[Path, str]:
    """The problem file, which is there while the stack is open, and its digest."""
    path = stack.enter_context(scratch_in(out_dir)) / "problems.arrow"
    write_problem_file(problems_dir, path)
    stack.callback(open_problems.cache_clear)
    return path, read_manifest(problems_dir).digest


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


def _votes(
    candidates_dir: Path,
    kinds: Mapping[str, Kind],
    problems: tuple[Path, str],
    here: SpanGrader,
    grader: MajorityGrader,
    voted: Sequence[Path],
    out_dir: Path,
    key: str,
) -> list[PartFile]:
    """The part with the votes, by which the grader `majority` then goes; none where every problem
    has a gold."""
    asked = [name for name, kind in kinds.items() if kind.grader == GraderName.MAJORITY]
    if not asked:
        return []
    digests = [read_manifest(folder).digest for folder in (candidates_dir, *voted)]
    part, votes = count_votes(
        candidates_dir,
        open_problems(*problems).problems(asked),
        grader,
        before=votes_before(voted),
        out_dir=out_dir,
        made_from=digest([key, *digests]),
    )
    here.put(GraderName.MAJORITY, grader.by(votes))
    return [part]
