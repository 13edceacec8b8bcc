"""Which bytes of the input each result is of: `OUT.state`, beside the output of a grading command.

It begins with the name of the command, then has an entry per result, the last one of an id
counting. It is also the lock of the output, since it alone is never replaced: the kernel lets go
of it when the process dies.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from factory.errors import Busy, GradeFileError
from factory.grade.line_file import Id, LineFile, id_of


@contextmanager
def held(out: Path) -> Generator[ResultState]:
    """The state of an output, held for this process; gone again if nothing was written to it.

    Raises:
        Busy: Another process works on the same output.
        GradeFileError: The file cannot be made.
    """
    path = out.with_name(f"{out.name}.state")
    try:
        file = _locked(path)
    except BlockingIOError as error:
        raise Busy(
            f"{out}: expected to be the only writer, found another command at work on it; wait for "
            "it to end, then run again, or name another --out"
        ) from error
    except OSError as error:
        raise GradeFileError(
            f"{path}: expected a file that can be written, found: {error.strerror}"
        ) from error
    with file:
        try:
            yield ResultState(path, file)
        finally:
            if path.exists() and not path.stat().st_size:
                path.unlink()


def _locked(path: Path) -> FileIO:
    while True:
        # Unbuffered: nothing is left to write at its end where the disk is full.
        file = open(path, "ab", buffering=0)  # noqa: SIM115 - the caller closes it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
        except BaseException:
            file.close()
            raise
        # Its holder removed it between our two calls.
        file.close()


class ResultState:
    """The entries of one output."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file
        self._header = b""
        self._whole_bytes = 0

    @property
    def is_new(self) -> bool:
        """Whether it was empty when it was read."""
        return not self._whole_bytes

    def read(self, lines: LineFile, made_by: str) -> bytearray:
        """1 for each position of `lines` whose last entry is of the line as it is now, else 0.

        Raises:
            GradeFileError: Another command made it, or it is damaged.
        """
        self._header = json.dumps({"state_of": made_by, "version": 1}).encode() + b"\n"
        of_now = bytearray(len(lines))
        with open(self.path, "rb") as entries:
            for line in entries:
                if not line.endswith(b"\n"):
                    break
                if self._whole_bytes:
                    self._read_entry(line, lines, of_now)
                elif line != self._header:
                    raise GradeFileError(
                        f"{self.path}: expected {self._header.decode().strip()}, found "
                        f"{line[:80]!r}, which another command wrote; name another --out"
                    )
                self._whole_bytes += len(line)
        return of_now

    def _read_entry(self, line: bytes, lines: LineFile, of_now: bytearray) -> None:
        try:
            entry = json.loads(line)
            position = lines.find(id_of(entry))
            digest = entry["line"]
        except (ValueError, KeyError, AttributeError) as error:
            raise GradeFileError(
                f"{self.path}: expected an entry per line, found {line[:80]!r}; remove that line "
                "and run again"
            ) from error
        if position is not None:
            of_now[position] = digest == lines.digest(position)

    def begin(self) -> None:
        """Make it ready for entries: with its first line, and without a torn last one."""
        self._file.truncate(self._whole_bytes)
        if self.is_new:
            write_whole(self._file, self._header)
            self.sync()

    def append(self, line_id: Id, digest: str) -> None:
        """Write the entry of a result that is about to be written."""
        write_whole(self._file, json.dumps({"id": line_id, "line": digest}).encode() + b"\n")

    def sync(self) -> None:
        """Have the disk take what was written."""
        os.fsync(self._file.fileno())


def write_whole(file: FileIO, data: bytes) -> None:
    """Write to an unbuffered file, which may take the data in several goes."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
