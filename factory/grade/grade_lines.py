"""Grade the lines of a file into another: many at once, resumable, the machine's faults apart.

It knows nothing of what a line holds: a `LineGrader` does. A line on which the machine fails is
graded once more after all others, and becomes `infra` if it fails again. When the machine fails
on several lines in a row, the grader is asked whether it can grade anything at all; if not, all
ends there with what was graded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import GradeFileError
from factory.grade.graded_file import GradedFile
from factory.grade.line_file import LineFile
from factory.grade.line_grader import LineGrader
from factory.grade.line_passes import LinePasses
from factory.grade.result_state import held
from factory.shown.progress import progress, say
from schemas.verdict import Status


@dataclass(frozen=True)
class Report:
    """What OUT holds when the command ends."""

    counts: Mapping[str, int]
    """Lines by verdict."""
    kept: int
    """Of them, those that an earlier command had graded."""
    first_fault: str = ""
    """Of the lines that became `infra` now, the first, and why."""

    @property
    def total(self) -> int:
        """All of them: as many as the input has."""
        return sum(self.counts.values())

    @property
    def infra(self) -> int:
        """Lines on which the machine failed."""
        return self.counts.get(Status.INFRA, 0)


def grade_lines(source: Path, out: Path, grader: LineGrader[Any], *, workers: int) -> Report:
    """Grade each line of `source` that has no result in `out` yet.

    Args:
        source: JSON Lines. All of it is checked before anything runs.
        out: Results as they finish; with one worker in the order of the input, in the end at
            least: lines that had to wait for another try are put in their places by the last step.
        grader: Not open yet. It is opened only where there is something to grade.
        workers: Lines, or chunks of lines, graded at the same time.

    Raises:
        GradeFileError: A line of the input is wrong (nothing was run), or OUT cannot be used.
        Busy: Another command works on the same output.
        RetortError: The machine cannot grade; what was graded is kept.
    """
    out = out.resolve()
    _refuse(source, out)
    with held(out) as state:
        lines = LineFile(source, grader.read)
        graded = GradedFile(out, state, lines, made_by=grader.made_by, settings=grader.settings)
        first_fault = ""
        if graded.stale:
            say(f"{graded.stale} results do not count any more: torn, infra, or of changed lines")
        if next(graded.todo(), None) is not None:
            with grader:
                graded.begin()
                try:
                    first_fault = _grade_all(lines, graded, grader, workers)
                finally:
                    graded.close()
        elif graded.stale or not out.exists():
            graded.begin()
            graded.close()
        if workers == 1:
            graded.sort()
        return Report(dict(graded.counts), graded.kept, first_fault)


def _refuse(source: Path, out: Path) -> None:
    if not source.is_file():
        raise GradeFileError(f"{source}: expected a file, found none")
    if out.exists() and not out.is_file():
        raise GradeFileError(f"{out}: expected a file or nothing, found something else")
    if not out.parent.is_dir():
        raise GradeFileError(f"{out}: expected a folder {out.parent}, found none; make it first")
    if source.resolve() in (out, out.with_name(f"{out.name}.state")):
        raise GradeFileError(f"{out}: expected another file than the input; name another --out")


def _grade_all(lines: LineFile, graded: GradedFile, grader: LineGrader[Any], workers: int) -> str:
    with progress("grade", len(lines), "lines", initial=graded.kept) as bar:
        passes = LinePasses(lines, graded, grader, workers, bar)
        try:
            passes.run()
        except BaseException:
            say(f"{graded.counts.total()} of {len(lines)} lines are graded and kept")
            raise
        return passes.first_fault
