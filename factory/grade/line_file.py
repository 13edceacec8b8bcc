"""A file of lines to grade: checked whole before anything runs, then read line by line.

A line is a JSON object with an `id`, a string or an integer that no other line has. In memory is
only where each line begins and the digests of its id and of its bytes, 40 bytes a line. Ids are
told apart by 64 bits of a digest: among ten million lines, two differing ids are taken for the
same (and refused) once in 400,000 files.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np

from factory.errors import GradeFileError
from factory.grade.refused_fields import explained
from factory.shown.progress import progress

Values = dict[str, Any]
Id = str | int

MOST_ERRORS: Final = 10
"""Wrong lines that one message names."""
_DIGEST_BYTES: Final = 16


class LineFile:
    """The lines of a file that has been checked, by their positions from 0."""

    def __init__(self, path: Path, check: Callable[[Values], object]) -> None:
        """Check every line.

        Args:
            path: JSON Lines in UTF-8; empty lines are skipped.
            check: Raises `ValueError` for a line that cannot be graded.

        Raises:
            GradeFileError: The file cannot be read, or lines are wrong; each with its number.
        """
        self.path = path
        self._offsets = array("Q")
        self._end = 0
        self._digests = bytearray()
        keys = array("Q")
        errors: list[str] = []
        with progress("check", None, "lines") as bar:
            for number, offset, line in _lines(path):
                try:
                    values = _values(line)
                    check(values)
                except ValueError as error:
                    errors.append(f"{path}:{number}: {explained(error)}")
                    if len(errors) == MOST_ERRORS:
                        break
                    continue
                self._offsets.append(offset)
                self._end = offset + len(line)
                self._digests += _digest(line)
                keys.append(_key(values["id"]))
                bar.update()
        if not errors:
            self._order = np.argsort(np.frombuffer(keys, dtype=np.uint64), kind="stable")
            self._sorted = np.frombuffer(keys, dtype=np.uint64)[self._order]
            errors = self._duplicates()
        if errors:
            many = "" if len(errors) < MOST_ERRORS else ", and perhaps more"
            raise GradeFileError(
                f"{path}: expected every line to be right, found {len(errors)} wrong{many}; "
                "nothing was run, correct them and run again\n" + "\n".join(errors)
            )

    def __len__(self) -> int:
        return len(self._offsets)

    def find(self, line_id: Id) -> int | None:
        """The position of the line with this id, None where there is none."""
        key = np.uint64(_key(line_id))
        at = int(np.searchsorted(self._sorted, key))
        if at == len(self._sorted) or self._sorted[at] != key:
            return None
        return int(self._order[at])

    def digest(self, position: int) -> str:
        """Digest of the bytes of a line, without the space around them."""
        return self._digest_at(position).hex()

    def size_bytes(self, position: int) -> int:
        """Bytes from where a line begins to where the next one does."""
        after = position + 1
        end = self._offsets[after] if after < len(self) else self._end
        return end - self._offsets[position]

    def read(self, positions: Iterable[int]) -> Iterator[tuple[int, Values]]:
        """These lines with their positions, read when they are asked for.

        Raises:
            GradeFileError: The file is another one than when it was checked.
        """
        with open(self.path, "rb") as file:
            for position in positions:
                offset = self._offsets[position]
                file.seek(offset)
                line = _stripped(file.readline(), first=offset == 0)
                if _digest(line) != self._digest_at(position):
                    raise GradeFileError(
                        f"{self.path}:{self._number(position)}: expected the line that was "
                        "checked at the start, found another; run again, what was graded is kept "
                        "and lines that changed are graded again"
                    )
                yield position, _values(line)

    def _digest_at(self, position: int) -> bytes:
        return bytes(self._digests[position * _DIGEST_BYTES : (position + 1) * _DIGEST_BYTES])

    def _duplicates(self) -> list[str]:
        """A message for each of the first lines whose id another line before it has."""
        later = np.flatnonzero(self._sorted[1:] == self._sorted[:-1]) + 1
        errors: list[str] = []
        for at in later[np.argsort(self._order[later])][:MOST_ERRORS]:
            first = int(np.searchsorted(self._sorted, self._sorted[at]))
            (_, values), *_ = self.read([int(self._order[at])])
            errors.append(
                f"{self.path}:{self._number(int(self._order[at]))}: expected an id that no other "
                f"line has, found {values['id']!r}, which line "
                f"{self._number(int(self._order[first]))} has"
            )
        return errors

    def _number(self, position: int) -> int:
        """The number of a line in the file, empty ones counted."""
        for number, offset, _ in _lines(self.path):
            if offset == self._offsets[position]:
                return number
        return 0


def id_of(values: Values) -> Id:
    """The id of a line.

    Raises:
        ValueError: It has none, or one of another type.
    """
    found = values.get("id")
    if not isinstance(found, str | int) or isinstance(found, bool):
        named = f"{found!r:.80}" if "id" in values else "none"
        raise ValueError(f"`id`: expected a string or an integer, found {named}")
    return found


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number from 1, offset in bytes and content of each line that is not empty."""
    try:
        with open(path, "rb") as file:
            offset = 0
            for number, line in enumerate(file, 1):
                content = _stripped(line, first=offset == 0)
                if content:
                    yield number, offset, content
                offset += len(line)
    except OSError as error:
        raise GradeFileError(
            f"{path}: expected a file that can be read, found: {error.strerror}"
        ) from error


def _stripped(line: bytes, *, first: bool) -> bytes:
    return (line.removeprefix(b"\xef\xbb\xbf") if first else line).strip()


def _values(line: bytes) -> Values:
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"expected UTF-8, found byte 0x{line[error.start]:02x} at column {error.start + 1}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected one JSON object per line, found: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"expected a JSON object, found {type(values).__name__}")
    id_of(values)
    return values


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=_DIGEST_BYTES).digest()


def _key(line_id: Id) -> int:
    return int.from_bytes(blake2b(json.dumps(line_id).encode(), digest_size=8).digest(), "big")
