"""Which bytes of the input each result is of: `OUT.state`, beside the output of a grading command.

It begins with the name of the command and its settings, then has an entry per result, the last one
of an id counting. It is also the lock of the output, since it alone is never replaced: the kernel
lets go of it when the process dies.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from factory.errors import Busy, GradeFileError
from factory.grade.line_file import Id, LineFile, id_of
from factory.parts import sync_folder


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

    def read(
        self, lines: LineFile, made_by: str, settings: Mapping[str, Any], *, any_results: bool
    ) -> bytearray:
        """1 for each position of `lines` whose last entry is of the line as it is now, else 0.

        Args:
            lines: The input.
            made_by: Name of the command.
            settings: Plain JSON values.
            any_results: Whether the output holds some; else other settings are no error, and what
                was noted under them is forgotten.

        Raises:
            GradeFileError: Another command or other settings made it, or it is damaged.
        """
        header = {"state_of": made_by, "version": 1} | ({"settings": settings} if settings else {})
        self._header = json.dumps(header).encode() + b"\n"
        of_now = bytearray(len(lines))
        with open(self.path, "rb") as entries:
            first = entries.readline()
            if not first.endswith(b"\n"):
                return of_now
            others = self._other_settings(first)
            if others and any_results:
                raise GradeFileError(
                    f"{self.path}: expected results reached with the same settings, found "
                    f"{', '.join(others)}; give the same ones, name another --out, or delete "
                    f"{self.path.with_suffix('')} to grade all of it anew"
                )
            if others:
                return of_now
            self._whole_bytes = len(first)
            for line in entries:
                if not line.endswith(b"\n"):
                    break
                self._read_entry(line, lines, of_now)
                self._whole_bytes += len(line)
        return of_now

    def _other_settings(self, first: bytes) -> list[str]:
        """What differs: each setting as it was and as it is now."""
        now = json.loads(self._header)
        with suppress(ValueError):
            found = json.loads(first)
            if isinstance(found, dict) and found | {"settings": 0} == now | {"settings": 0}:
                was, now = found.get("settings", {}), now.get("settings", {})
                return [
                    f"{name} {_shown(name, was)} (now {_shown(name, now)})"
                    for name in was | now
                    if _shown(name, was) != _shown(name, now)
                ]
        raise GradeFileError(
            f"{self.path}: expected {self._header.decode().strip()}, found {first[:80]!r}, which "
            "another command wrote; name another --out"
        )

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

    def append(self, entries: Iterable[tuple[Id, str]]) -> None:
        """Write the entries, id and digest of the line, of results that are about to be written."""
        lines = (json.dumps({"id": line_id, "line": digest}) for line_id, digest in entries)
        write_whole(self._file, "".join(f"{line}\n" for line in lines).encode())

    def sync(self) -> None:
        """Have the disk take what was written."""
        os.fsync(self._file.fileno())


def write_whole(file: FileIO, data: bytes) -> None:
    """Write to an unbuffered file, which may take the data in several goes."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def write_anew(path: Path, content: Iterable[bytes]) -> None:
    """Write a file anew, whole or not at all; `content` may be read from it meanwhile."""
    hidden = path.with_name(f".{path.name}.new")
    with open(hidden, "wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)
    sync_folder(path.parent)


def _shown(name: str, settings: Mapping[str, Any]) -> str:
    return json.dumps(settings[name]) if name in settings else "unknown"
