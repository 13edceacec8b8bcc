"""Grade the lines of a file into another: many at once, resumable, the machine's faults apart.

It knows nothing of what a line holds: a `LineGrader` does. A line on which the machine fails is
graded once more after all others, and becomes `infra` if it fails again. When the machine fails
on several lines in a row, the grader is asked whether it can grade anything at all; if not, all
ends there with what was graded.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar

from tqdm import tqdm

from factory.errors import GradeFileError, GraderError, RetortError
from factory.grade.graded_file import SYNC_S, GradedFile
from factory.grade.line_file import Id, LineFile, Values, id_of
from factory.grade.result_state import held
from factory.progress import progress, say
from schemas.verdict import Status

FAULTS_IN_A_ROW: Final = 5
"""Lines on which the machine may fail, one after the other, before it is checked."""

Line = TypeVar("Line")


class MachineFault(Exception):  # noqa: N818 - internal: the line gets another try, then `infra`
    """The machine failed under one line; others may fare better, and this one later."""


class LineGrader(Protocol[Line]):
    """Reads and grades lines of one kind. Open (a context manager) while `grade` is called."""

    made_by: str
    """Name of the command."""

    def read(self, values: Values) -> Line:
        """The line. Raises `ValueError` where it cannot be graded. Called before `__enter__`."""
        ...

    def __enter__(self) -> object:
        """Start what grading needs. Raises `RetortError` with the remedy."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    def grade(self, line: Line) -> Mapping[str, Any]:
        """`verdict` and its evidence, plain JSON values. Called from many threads.

        Raises:
            MachineFault: There is no verdict on this line.
            RetortError: There will be none on any other either.
        """
        ...

    def no_verdict(self, detail: str) -> Mapping[str, Any]:
        """The fields of an `infra` line."""
        ...

    def check(self) -> None:
        """Return where the machine can grade a line that is known to be harmless.

        Raises:
            MachineFault, RetortError: It cannot.
        """
        ...


@dataclass(frozen=True)
class Report:
    """What OUT holds when the command ends."""

    counts: Mapping[str, int]
    """Lines by verdict."""
    kept: int
    """Of them, those that an earlier command had graded."""

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
        workers: Lines graded at the same time.

    Raises:
        GradeFileError: A line of the input is wrong (nothing was run), or OUT cannot be used.
        Busy: Another command works on the same output.
        RetortError: The machine cannot grade; what was graded is kept.
    """
    out = out.resolve()
    _refuse(source, out)
    with held(out) as state:
        lines = LineFile(source, grader.read)
        graded = GradedFile(out, state, lines, made_by=grader.made_by)
        if graded.stale:
            say(f"{graded.stale} results do not count any more: torn, infra, or of changed lines")
        if next(graded.todo(), None) is not None:
            with grader:
                graded.begin()
                try:
                    _grade_all(lines, graded, grader, workers)
                finally:
                    graded.close()
        elif graded.stale or not out.exists():
            graded.begin()
            graded.close()
        if workers == 1:
            graded.sort()
        return Report(dict(graded.counts), graded.kept)


def _refuse(source: Path, out: Path) -> None:
    if not source.is_file():
        raise GradeFileError(f"{source}: expected a file, found none")
    if out.exists() and not out.is_file():
        raise GradeFileError(f"{out}: expected a file or nothing, found something else")
    if not out.parent.is_dir():
        raise GradeFileError(f"{out}: expected a folder {out.parent}, found none; make it first")
    if source.resolve() in (out, out.with_name(f"{out.name}.state")):
        raise GradeFileError(f"{out}: expected another file than the input; name another --out")


def _grade_all(lines: LineFile, graded: GradedFile, grader: LineGrader[Any], workers: int) -> None:
    with progress("grade", len(lines), "lines", initial=graded.kept) as bar:
        run = _Run(lines, graded, grader, workers, bar)
        try:
            for last in (False, True):
                run.grade(run.failed if last else graded.todo(), last=last)
        except BaseException:
            say(f"{graded.counts.total()} of {len(lines)} lines are graded and kept")
            raise


class _Run:
    """Two passes over the lines: all of them, then those on which the machine failed."""

    def __init__(
        self,
        lines: LineFile,
        graded: GradedFile,
        grader: LineGrader[Any],
        workers: int,
        bar: tqdm[Any],
    ) -> None:
        self.failed = array("Q")
        self._lines = lines
        self._graded = graded
        self._grader = grader
        self._workers = workers
        self._bar = bar
        self._faults = 0
        self._over: RetortError | None = None

    def grade(self, positions: Iterable[int], *, last: bool) -> None:
        """Grade these lines; where the machine fails, note the line, or on the last pass write it.

        At most two lines per worker are in memory.
        """
        waiting: dict[Future[Mapping[str, Any]], tuple[int, Id]] = {}
        todo = self._lines.read(positions)
        with ThreadPoolExecutor(self._workers) as threads:
            try:
                while True:
                    for position, values in islice(todo, 2 * self._workers - len(waiting)):
                        waiting[threads.submit(self._one, values)] = position, id_of(values)
                    if not waiting:
                        return
                    done = wait(waiting, timeout=SYNC_S, return_when=FIRST_COMPLETED).done
                    for future in sorted(done, key=lambda one: waiting[one][0]):
                        self._take(future, *waiting[future], last=last)
                        del waiting[future]
                    self._graded.sync()
            except BaseException as error:
                for future in waiting:
                    future.cancel()
                wait(waiting)
                # Lines under way are finished and kept, unless it is writing that failed.
                if not isinstance(error, GradeFileError):
                    for future, (position, line_id) in waiting.items():
                        if not future.cancelled() and future.exception() is None:
                            self._write(position, line_id, future.result())
                raise

    def _one(self, values: Values) -> Mapping[str, Any]:
        # Known here first: a thread takes its next line before the main one could cancel it, and
        # each line of an engine that is gone waits for it for a minute.
        if self._over is not None:
            raise self._over
        try:
            return self._grader.grade(self._grader.read(values))
        except RetortError as error:
            self._over = error
            raise
        except MachineFault:
            raise
        except Exception as error:
            raise MachineFault(f"unexpected {type(error).__name__}: {error}") from error

    def _take(
        self, future: Future[Mapping[str, Any]], position: int, line_id: Id, *, last: bool
    ) -> None:
        fault = future.exception()
        if not isinstance(fault, MachineFault):
            self._write(position, line_id, future.result())
            self._faults = 0
            return
        if last:
            self._write(position, line_id, self._grader.no_verdict(f"{fault}"))
        else:
            self.failed.append(position)
        self._faults += 1
        if self._faults == FAULTS_IN_A_ROW:
            self._faults = 0
            self._check_machine()

    def _check_machine(self) -> None:
        try:
            self._grader.check()
        except (MachineFault, RetortError) as error:
            raise GraderError(
                f"the machine failed on {FAULTS_IN_A_ROW} lines in a row and on a harmless one: "
                f"{error}; mend it and run the same command again, finished lines are kept"
            ) from error

    def _write(self, position: int, line_id: Id, result: Mapping[str, Any]) -> None:
        self._graded.append(position, line_id, result)
        self._bar.update()
