"""The output of a grading command: one line per result, appended as it comes, resumed by id.

The entry of a result in the state (see `result_state`) is written before its line here, and lines
that are not valid any more are removed before anything is appended. So after `kill -9` at any
moment, a whole line whose last entry names the input's line as it is now is a finished result, and
nothing else is. Lines that are removed by hand are graded again.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final

from factory.errors import GradeFileError
from factory.grade.line_file import Id, LineFile, id_of
from factory.grade.result_state import ResultState, write_anew, write_whole
from factory.parts import sync_folder
from schemas.verdict import Status

SYNC_S: Final = 1.0
"""Results are safe from a crash of the program at once, from one of the machine after so long."""


class GradedFile:
    """The results of one input file: those that are there, and those to come."""

    def __init__(
        self,
        out: Path,
        state: ResultState,
        lines: LineFile,
        *,
        made_by: str,
        settings: Mapping[str, Any],
    ) -> None:
        """Read what is there; nothing is written yet.

        Args:
            out: The output, which need not exist.
            state: Of this output, held.
            lines: The input.
            made_by: Name of the command, which another command's output does not have.
            settings: Of the command, which verdicts reached with others do not have.

        Raises:
            GradeFileError: OUT was not made by this command from this input with these settings.
        """
        self.counts: Counter[str] = Counter()
        """Results in OUT by verdict."""
        self.stale = 0
        """Lines of OUT that do not count: torn, `infra`, or of a line that has changed."""
        self._out = out
        self._state = state
        self._lines = lines
        self._file: FileIO | None = None
        self._synced_s = time.monotonic()
        self._done = bytearray(len(lines))
        self._last = -1
        self._in_order = True
        any_results = out.exists() and out.stat().st_size > 0
        self._of_now = state.read(lines, made_by, settings, any_results=any_results)
        if state.is_new and any_results:
            raise GradeFileError(
                f"{out}: expected no such file, or one with its state beside it in {state.path}, "
                "found one without; name another --out, or delete it"
            )
        for _, position, verdict in self._valid():
            self._note(position, verdict)
        self.kept = self.counts.total()
        """Results that were there."""

    def todo(self) -> Iterator[int]:
        """Positions without a result, in the order of the input."""
        at = self._done.find(0)
        while at >= 0:
            yield at
            at = self._done.find(0, at + 1)

    def begin(self) -> None:
        """Remove what does not count from OUT, and open it for results."""
        with self._writing():
            self._state.begin()
            if self.stale:
                write_anew(self._out, (line for line, _, _ in self._valid()))
            self._file = self._out.open("ab", buffering=0)
            sync_folder(self._out.parent)

    def append(self, results: Sequence[tuple[int, Id, Mapping[str, Any]]]) -> None:
        """Write results with position and id; the system has them when this returns, and the disk
        within a second."""
        assert self._file is not None
        with self._writing():
            self._state.append(
                (line_id, self._lines.digest(position)) for position, line_id, _ in results
            )
            lines = (json.dumps({"id": line_id, **result}) for _, line_id, result in results)
            write_whole(self._file, "".join(f"{line}\n" for line in lines).encode())
        for position, _, result in results:
            self._note(position, result["verdict"])

    def sync(self) -> None:
        """Have the disk take what was written, at most once per `SYNC_S`."""
        if self._file is not None and time.monotonic() - self._synced_s >= SYNC_S:
            with self._writing():
                self._state.sync()
                os.fsync(self._file.fileno())
            self._synced_s = time.monotonic()

    def close(self) -> None:
        """Have the disk take all of it."""
        if self._file is not None:
            self._synced_s = -SYNC_S
            self.sync()
            self._file.close()
            self._file = None

    def sort(self) -> None:
        """Put OUT into the order of the input, where it is not; atomically. It must be closed."""
        assert self._file is None
        if self._in_order:
            return
        offsets = array("q", [-1]) * len(self._lines)
        with self._writing():
            at = 0
            for line, position, _ in self._read():
                offsets[position] = at
                at += len(line)
            with open(self._out, "rb") as file:
                write_anew(self._out, (_line_at(file, one) for one in offsets if one >= 0))
        self._in_order = True

    # ------------------------------------------------------------------------------- reading

    def _note(self, position: int, verdict: str) -> None:
        self._done[position] = 1
        self.counts[verdict] += 1
        self._in_order = self._in_order and position > self._last
        self._last = position

    def _valid(self) -> Iterator[tuple[bytes, int, str]]:
        """Lines of OUT that count, with position and verdict; the others are counted as stale."""
        seen = bytearray(len(self._lines))
        self.stale = 0
        for line, position, verdict in self._read():
            if verdict == Status.INFRA or seen[position] or not self._of_now[position]:
                self.stale += 1
                continue
            seen[position] = 1
            yield line, position, verdict

    def _read(self) -> Iterator[tuple[bytes, int, str]]:
        """Whole lines of OUT; a torn last one counts as stale."""
        if not self._out.exists():
            return
        with open(self._out, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    self.stale += 1
                    return
                try:
                    values = json.loads(line)
                    position, verdict = self._lines.find(id_of(values)), Status(values["verdict"])
                except (ValueError, KeyError, AttributeError) as error:
                    raise GradeFileError(
                        f"{self._out}:{number}: expected a result, found {line[:80]!r}; remove "
                        "that line and run again, it is graded again"
                    ) from error
                if position is None:
                    raise GradeFileError(
                        f"{self._out}:{number}: expected results of {self._lines.path} alone, "
                        f"found id {values['id']!r}, which is not there; name another --out, or "
                        "remove such lines from this one"
                    )
                yield line, position, verdict

    # ------------------------------------------------------------------------------- writing

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise GradeFileError(
                f"{self._out}: expected a file that can be written, found: {error.strerror}; mend "
                "it and run the same command again, finished lines are kept"
            ) from error


def _line_at(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.readline()
