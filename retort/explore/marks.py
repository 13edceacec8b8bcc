"""The file that the explorer saves marks to, one line of JSON per marked candidate."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from factory.errors import InputFileError
from factory.marks import read_marks
from factory.parts import write_atomically
from schemas.mark import Mark


class MarkFile:
    """Marks by candidate. Any number of threads and processes may write to one file."""

    def __init__(self, path: Path) -> None:
        """Take up a file; one that is not there has no marks.

        Raises:
            InputFileError: A line of it is no mark, or the place cannot be written to.
        """
        self.path = path
        self._lock = Lock()
        self._marks: dict[str, Mark] = {}
        self._state: tuple[int, int, int] | None = None
        if path.is_dir():
            raise InputFileError(f"{path}: expected a file of marks, found a folder; name a file")
        self._refresh()

    def all(self) -> list[Mark]:
        """The last mark of each candidate, in the order of the file."""
        with self._lock:
            self._refresh()
            return list(self._marks.values())

    def by_id(self) -> dict[str, Mark]:
        """Candidate -> its mark."""
        return {one.candidate_id: one for one in self.all()}

    def put(self, candidate_id: str, problem_id: str, note: str, *, marked: bool) -> None:
        """Set or take away the mark of a candidate; the file is rewritten whole.

        Raises:
            InputFileError: The file cannot be read or written.
        """
        with self._lock, self._alone():
            self._refresh()
            marks = dict(self._marks)
            marks.pop(candidate_id, None)
            if marked:
                marks[candidate_id] = Mark(
                    candidate_id=candidate_id,
                    problem_id=problem_id,
                    note=note,
                    marked_unix_s=round(time.time(), 3),
                )
            lines = [one.model_dump_json() + "\n" for one in marks.values()]
            write_atomically(self.path, "".join(lines).encode())
            self._refresh()

    def _refresh(self) -> None:
        """Read the file again where it is another than it was."""
        try:
            found = self.path.stat()
            state = (found.st_ino, found.st_size, found.st_mtime_ns)
        except (FileNotFoundError, NotADirectoryError):
            self._marks, self._state = {}, None
            return
        if state != self._state:
            marks: dict[str, Mark] = {}
            for one in read_marks(self.path):
                marks.pop(one.mark.candidate_id, None)
                marks[one.mark.candidate_id] = one.mark
            self._marks, self._state = marks, state

    @contextmanager
    def _alone(self) -> Generator[None]:
        lock = self.path.with_name(f".{self.path.name}.lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(lock, "w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise InputFileError(
                f"{self.path}: expected to write marks there, found that it cannot be done "
                f"({error.strerror}); name another file with --marks"
            ) from error
