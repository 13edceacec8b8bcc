"""Candidates that a person marked to be left out: `[select] exclude`.

A marked candidate becomes no sample, begins or ends no journey and stands in no preference pair.
Its verdict still counts for the pass rate of its problem. A mark of a journey leaves out both
candidates that it is made of. A mark that is of no candidate of the run has nothing to leave out;
it is counted and said, because the candidates of a recipe change with its settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from factory.digest import digest
from factory.marks import PlacedMark, read_marks
from factory.recipe_file import existing
from factory.select.journeys import journey_uuid
from factory.select.pick import drop_where
from factory.shown.progress import say
from schemas.sample import Drop
from schemas.verdict import Status

_WHAT: Final = "select.exclude"
_NAMED: Final = 3
_NOTE_CHARS: Final = 200
_WRONG: Final = (Status.INCORRECT.value, Status.ERROR.value)
"""What a journey can begin with; see `journeys.choose_journeys`."""


@dataclass(frozen=True)
class Excluded:
    """The candidates of a run that marks leave out."""

    candidates: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"candidate_id": pl.String, "why": pl.String})
    )
    """`candidate_id`, each once, and `why`."""
    marks: int = 0
    """Ids in the files."""
    unknown: int = 0
    """Of those, ids that no candidate or journey has."""

    def figures(self) -> dict[str, int]:
        """For the manifest."""
        found = {"marks": self.marks, "unknown": self.unknown}
        return {**found, "candidates": self.candidates.height}


def marks_of(files: Sequence[str]) -> dict[str, PlacedMark]:
    """Id -> its last mark in the files of a recipe, in their order.

    Raises:
        RecipeError: A file is not there.
        InputFileError: A line of a file is no mark.
    """
    marks: dict[str, PlacedMark] = {}
    for path in files:
        for one in read_marks(existing(path, _WHAT)):
            marks.pop(one.mark.candidate_id, None)
            marks[one.mark.candidate_id] = one
    return marks


def marks_digest(files: Sequence[str]) -> str:
    """What of the files enters the key of the stage: ids and notes, not times or order.

    Raises:
        RecipeError, InputFileError: As `marks_of` says.
    """
    return digest(
        sorted([one.mark.candidate_id, one.mark.note] for one in marks_of(files).values())
    )


def excluded(judged: pl.DataFrame, marks: Mapping[str, PlacedMark]) -> Excluded:
    """The candidates that marks leave out.

    Args:
        judged: One row per candidate, any order: `candidate_id`, `problem_id`, `status`.
    """
    if not marks:
        return Excluded()
    ids = pl.DataFrame({"candidate_id": list(marks)}, schema={"candidate_id": pl.String})
    known = ids.join(judged, on="candidate_id", how="semi")["candidate_id"].to_list()
    why = {one: _why(marks[one]) for one in known}
    others = {one: mark for one, mark in marks.items() if one not in why}
    found: set[str] = set()
    for uuid, parts in _journeys(judged, others):
        found.add(uuid)
        for part in parts:
            why.setdefault(part, f"journey {uuid}: {_why(others[uuid])}")
    lost = [mark for uuid, mark in others.items() if uuid not in found]
    if lost:
        places = ", ".join(f"{one.file}, line {one.line}" for one in lost[:_NAMED])
        more = f" and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else ""
        say(
            f"select: {len(lost):,} of {len(marks):,} marks are of no candidate of this run, and "
            f"leave out nothing: {places}{more}"
        )
    rows = {"candidate_id": sorted(why), "why": [why[one] for one in sorted(why)]}
    frame = pl.DataFrame(rows, schema={"candidate_id": pl.String, "why": pl.String})
    return Excluded(frame, marks=len(marks), unknown=len(lost))


def drop_excluded(judged: pl.DataFrame, some: Excluded) -> pl.DataFrame:
    """The judged rows; those that are left out and have no reason yet have it: a wrong candidate
    keeps its verdict, and what a rule dropped its rule."""
    if some.candidates.is_empty():
        return judged
    joined = judged.join(some.candidates, on="candidate_id", how="left", maintain_order="left")
    return drop_where(joined, pl.col("why").is_not_null(), Drop.EXCLUDED, pl.col("why")).drop("why")


def without(rows: pl.DataFrame, some: Excluded) -> pl.DataFrame:
    """The rows of candidates that are not left out."""
    if some.candidates.is_empty():
        return rows
    return rows.join(some.candidates, on="candidate_id", how="anti", maintain_order="left")


def _why(one: PlacedMark) -> str:
    note = " ".join(one.mark.note.split())
    return f"marked: {note[:_NOTE_CHARS]}" if note else "marked"


def _journeys(
    judged: pl.DataFrame, marks: Mapping[str, PlacedMark]
) -> Iterable[tuple[str, tuple[str, str]]]:
    """Ids that are those of a journey, and the two candidates of it. Every pair that could be one
    is tried, of the problems that the marks name, or of all where one names none."""
    if not marks:
        return
    problems = {one.mark.problem_id for one in marks.values()}
    among = judged.select("candidate_id", "problem_id", "status")
    if "" not in problems:
        among = among.filter(pl.col("problem_id").is_in(sorted(problems)))
    right = among.filter(pl.col("status") == Status.CORRECT.value)
    wrong = among.filter(pl.col("status").is_in(_WRONG))
    pairs = right.join(wrong, on="problem_id", suffix="_wrong").select(
        "candidate_id", "candidate_id_wrong"
    )
    for accepted, rejected in pairs.iter_rows():
        uuid = journey_uuid(rejected, accepted)
        if uuid in marks:
            yield uuid, (rejected, accepted)
