"""The parts of verdicts of one stage: which are there, what is to be graded, what is finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from factory.digest import digest
from factory.errors import ManifestMismatch
from factory.grade.assembled import AssembledParts
from factory.grade.registry import IN_SANDBOX, runs_anywhere
from factory.grade.spans import Span
from factory.parts import kept_part, read_columns, read_part
from factory.problems import Kind
from schemas.arrow import VERDICT
from schemas.manifest import PartFile

_ROWS: Final = 1024
"""Candidates of a span: progress moves, and little is lost when the stage is stopped."""
_ROWS_IN_SANDBOX: Final = 256
"""Programs take longer."""


class VerdictParts:
    """One `verdicts-NNNNN` per `candidates-NNNNN`.

    Args:
        candidates: The parts of candidates, which lie in `candidates_dir`.
        made_from: Digest of all else that decides the verdicts.
        here: Grades spans of graders of which there is one.
        told: Of each table of verdicts, as it comes.
    """

    def __init__(
        self,
        candidates: Sequence[PartFile],
        candidates_dir: Path,
        out_dir: Path,
        *,
        made_from: str,
        kinds: Mapping[str, Kind],
        here: Callable[[Span], pa.Table],
        told: Callable[[pa.Table], None],
    ) -> None:
        self._candidates = candidates
        self._candidates_dir = candidates_dir
        self._out_dir = out_dir
        self._made_from = made_from
        self._kinds = kinds
        self._here = here
        self._told = told
        self._assembled = AssembledParts(out_dir)
        self._waiting: dict[int, Span] = {}
        self._finished: dict[str, PartFile] = {}

    def take_kept(self) -> int:
        """Tell of the parts that are there already and valid; how many candidates are not."""
        missing = 0
        for part in self._candidates:
            kept = kept_part(self._out_dir, _name(part), made_from=self._digest(part))
            if kept is None:
                missing += part.rows
            else:
                self._finished[part.path] = kept
                self._told(read_part(self._out_dir, kept, VERDICT))
        return missing

    def spans(self) -> Iterator[Span]:
        """What is to be graded elsewhere, in order; what is to be graded here is graded as it is
        come upon.

        Raises:
            ManifestMismatch: A candidate answers a problem that was not collected.
        """
        number = 0
        for part in self._candidates:
            if part.path in self._finished:
                continue
            for span in self._spans_of(part):
                if runs_anywhere(span.grader):
                    self._waiting[number] = span
                    number += 1
                    yield span
                else:
                    self._put(span, self._here(span))

    def put(self, position: int, verdicts: pa.Table) -> None:
        """The verdicts of the span at that position of `spans`."""
        self._put(self._waiting.pop(position), verdicts)

    def finished(self) -> list[PartFile]:
        """All parts in order."""
        return [self._finished[part.path] for part in self._candidates]

    def _put(self, span: Span, verdicts: pa.Table) -> None:
        self._told(verdicts)
        part = span.part
        whole = self._assembled.put(
            _name(part), part.rows, span.rows, verdicts, made_from=self._digest(part)
        )
        if whole is not None:
            self._finished[part.path] = whole

    def _spans_of(self, part: PartFile) -> Iterator[Span]:
        ids = read_columns(self._candidates_dir, part, ["problem_id"])["problem_id"].to_pylist()
        places: dict[str, list[int]] = {}
        for place, problem_id in enumerate(ids):
            kind = self._kinds.get(problem_id)
            if kind is None:
                raise self._unknown(part, place, problem_id)
            places.setdefault(kind.grader, []).append(place)
        for grader, rows in sorted(places.items()):
            most = _ROWS_IN_SANDBOX if grader in IN_SANDBOX else _ROWS
            for first in range(0, len(rows), most):
                yield Span(part, grader, np.array(rows[first : first + most], np.int64))

    def _unknown(self, part: PartFile, place: int, problem_id: str) -> ManifestMismatch:
        names = read_columns(self._candidates_dir, part, ["candidate_id"])["candidate_id"]
        return ManifestMismatch(
            f"{self._candidates_dir / part.path}: candidate {names[place]} answers problem "
            f"{problem_id!r}, expected one of the {len(self._kinds)} collected problems, found "
            f"none; these candidates were drawn for other problems, delete their artifact and run "
            f"again"
        )

    def _digest(self, part: PartFile) -> str:
        return digest([self._made_from, part.sha256])


def in_sandbox(span: Span) -> bool:
    """Whether a span's candidates are programs that are run."""
    return span.grader in IN_SANDBOX


def _name(part: PartFile) -> str:
    return part.path.replace("candidates-", "verdicts-", 1)
