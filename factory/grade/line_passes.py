"""Two passes over the lines of a file: all of them, then those on which the machine failed.

Lines go to the grader in chunks. A chunk grows while it is quick, to spare the cost of handing
over, and shrinks to a few lines where they are slow, so that no finished result waits for long
for its neighbours to be written. Where the machine fails under a chunk its lines are graded one
by one, so that only the line it fails on has no verdict.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from tqdm import tqdm

from factory.errors import GradeFileError, GraderError, RetortError
from factory.grade.graded_file import SYNC_S, GradedFile
from factory.grade.line_file import Id, LineFile, Values, id_of
from factory.grade.line_grader import LineGrader, MachineFault, Result

FAULTS_IN_A_ROW: Final = 5
"""Lines on which the machine may fail, one after the other, before it is checked."""
CHUNK_S: Final = 0.1
"""Chunks that took longer are followed by smaller ones."""
CHUNK_BYTES: Final = 1 << 20
"""Of input: a chunk takes no further line once it has so much."""

_Chunk = list[tuple[int, Values]]


@dataclass(frozen=True)
class _Outcome:
    position: int
    line_id: Id
    result: Result | MachineFault | RetortError


class LinePasses:
    """The lines that one command grades, at most two chunks per worker in memory."""

    def __init__(
        self,
        lines: LineFile,
        graded: GradedFile,
        grader: LineGrader[Any],
        workers: int,
        bar: tqdm[Any],
    ) -> None:
        self.first_fault = ""
        """The first line that became `infra`, and why."""
        self._lines = lines
        self._graded = graded
        self._grader = grader
        self._workers = workers
        self._bar = bar
        self._failed = array("Q")
        self._chunk_lines = 1
        self._faults = 0
        self._over: RetortError | None = None

    def run(self) -> None:
        """Grade what has no result, then try again where the machine failed.

        Raises:
            RetortError: As `grade_lines` does; chunks under way are finished and kept.
        """
        self._pass(self._graded.todo(), last=False)
        self._pass(self._failed, last=True)

    def _pass(self, positions: Iterable[int], *, last: bool) -> None:
        waiting: dict[Future[list[_Outcome]], None] = {}
        todo = self._chunks(positions)
        with ThreadPoolExecutor(self._workers) as threads:
            try:
                while True:
                    for chunk in islice(todo, 2 * self._workers - len(waiting)):
                        waiting[threads.submit(self._grade, chunk)] = None
                    if not waiting:
                        return
                    done = wait(waiting, timeout=SYNC_S, return_when=FIRST_COMPLETED).done
                    for future in [one for one in waiting if one in done]:
                        del waiting[future]
                        self._take(future.result(), last=last)
                    self._graded.sync()
            except BaseException as error:
                for future in waiting:
                    future.cancel()
                wait(waiting)
                # What is under way is finished and kept, unless it is writing that failed.
                if not isinstance(error, GradeFileError):
                    for future in waiting:
                        if not future.cancelled() and future.exception() is None:
                            self._write(future.result())
                raise

    def _chunks(self, positions: Iterable[int]) -> Iterator[_Chunk]:
        """Lines in the order of `positions`; how many is asked anew for each chunk."""
        chunk: _Chunk = []
        size_bytes = 0
        for position, values in self._lines.read(positions):
            chunk.append((position, values))
            size_bytes += self._lines.size_bytes(position)
            if len(chunk) >= self._chunk_lines or size_bytes >= CHUNK_BYTES:
                yield chunk
                chunk, size_bytes = [], 0
        if chunk:
            yield chunk

    # ------------------------------------------------------------------- in the workers' threads

    def _grade(self, chunk: _Chunk) -> list[_Outcome]:
        begun_s = time.monotonic()
        try:
            outcomes = self._outcomes(chunk)
        except MachineFault as fault:
            if len(chunk) == 1:
                return [_Outcome(chunk[0][0], id_of(chunk[0][1]), fault)]
            outcomes = [self._alone(*line) for line in chunk]
        self._resize(len(chunk), time.monotonic() - begun_s)
        return outcomes

    def _alone(self, position: int, values: Values) -> _Outcome:
        try:
            (outcome,) = self._outcomes([(position, values)])
        except (MachineFault, RetortError) as error:
            return _Outcome(position, id_of(values), error)
        return outcome

    def _outcomes(self, chunk: _Chunk) -> list[_Outcome]:
        # Known here first: a thread takes its next chunk before the main one could cancel it, and
        # each line of an engine that is gone waits for it for a minute.
        if self._over is not None:
            raise self._over
        try:
            results = self._grader.grade([self._grader.read(values) for _, values in chunk])
            return [
                _Outcome(position, id_of(values), result)
                for (position, values), result in zip(chunk, results, strict=True)
            ]
        except RetortError as error:
            self._over = error
            raise
        except MachineFault:
            raise
        except Exception as error:
            raise MachineFault(f"unexpected {type(error).__name__}: {error}") from error

    def _resize(self, lines: int, took_s: float) -> None:
        if took_s > CHUNK_S:
            self._chunk_lines = max(1, int(lines * CHUNK_S / took_s))
        elif lines == self._chunk_lines:
            self._chunk_lines = min(2 * lines, self._grader.most_lines)

    # ------------------------------------------------------------------------ in the main thread

    def _take(self, outcomes: list[_Outcome], *, last: bool) -> None:
        self._write(outcomes)
        for one in outcomes:
            if isinstance(one.result, RetortError):
                raise one.result
            if not isinstance(one.result, MachineFault):
                self._faults = 0
                continue
            if last:
                self._give_up(one, one.result)
            else:
                self._failed.append(one.position)
            self._faults += 1
            if self._faults == FAULTS_IN_A_ROW:
                self._faults = 0
                self._check_machine()

    def _give_up(self, one: _Outcome, fault: MachineFault) -> None:
        self.first_fault = self.first_fault or f"{one.line_id!r}: {fault}"
        result = self._grader.no_verdict(f"{fault}")
        self._write([_Outcome(one.position, one.line_id, result)])

    def _write(self, outcomes: list[_Outcome]) -> None:
        """Write the results among them."""
        results = [
            (one.position, one.line_id, one.result)
            for one in outcomes
            if not isinstance(one.result, Exception)
        ]
        self._graded.append(results)
        self._bar.update(len(results))

    def _check_machine(self) -> None:
        try:
            self._grader.check()
        except (MachineFault, RetortError) as error:
            raise GraderError(
                f"the machine failed on {FAULTS_IN_A_ROW} lines in a row and on a harmless one: "
                f"{error}; mend it and run the same command again, finished lines are kept"
            ) from error
