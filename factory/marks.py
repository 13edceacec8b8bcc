"""Files of marks: JSONL of `schemas.mark.Mark`, one line per marked candidate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from factory.errors import InputFileError
from schemas.mark import Mark

MOST_BYTES: Final = 256 << 20
"""Of a file of marks: a million lines with notes are below it."""


@dataclass(frozen=True)
class PlacedMark:
    """A mark and where it stands."""

    file: Path
    line: int
    """From 1."""
    mark: Mark


def read_marks(file: Path) -> list[PlacedMark]:
    """The marks of a file, in the order of its lines; empty lines are passed over.

    A candidate may stand in several lines; the last one is what is meant.

    Raises:
        InputFileError: The file is not there, too large, or one of its lines is no mark.
    """
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise InputFileError(
                f"{file}: expected a file of marks of at most {MOST_BYTES:,} bytes, found {size:,}"
            )
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise InputFileError(
            f"{file}: expected a file of marks, as `retort explore` saves it, found none that can "
            f"be read ({error.strerror})"
        ) from error
    return [
        PlacedMark(file, number, _mark(file, number, line))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _mark(file: Path, number: int, line: bytes) -> Mark:
    try:
        mark = Mark.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(one) for one in first["loc"])
        raise InputFileError(
            f"{file}, line {number}: expected a mark, "
            f'{{"candidate_id": "…", "note": "…"}}, found {place or "the line"}: {first["msg"]}; '
            f"mend the line or take it out"
        ) from error
    if not mark.candidate_id:
        raise InputFileError(
            f"{file}, line {number}: expected the id of a candidate, found an empty one; mend the "
            f"line or take it out"
        )
    return mark
