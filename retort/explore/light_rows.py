"""What a source gives to be shown: small rows without texts, and where their texts are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from schemas.row import Row

KEPT: Final = "kept"
"""`reason` of a candidate that is a row of the dataset."""
STATEMENT_CHARS: Final = 200
"""Of a statement in a list."""


_NAME_CHARS: Final = 80


def file_name(name: str) -> str:
    """A name as part of a file's: letters, digits, `.`, `-` and `_`, at most 80."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:_NAME_CHARS] or "unnamed"


class Kind(StrEnum):
    """What stands in a file."""

    PROBLEMS = "problems"
    CANDIDATES = "candidates"
    FAILURES = "failures"
    DROPPED = "dropped"
    DATA = "data"


class Place(Row):
    """A Parquet file that rows are read from by their number."""

    path: str
    kind: Kind
    verdicts: str = ""
    """Of candidates: the file with their verdicts, row for row; empty where there are none."""
    stage: str = ""
    """Of dropped rows: who dropped them; empty where a column says it."""
    suite: str = ""
    """Of candidates of a validation: the suite."""


PROBLEMS: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "domain": pl.String(),
        "source": pl.String(),
        "category": pl.String(),
        "level": pl.String(),
        "grader": pl.String(),
        "statement": pl.String(),
        "place": pl.Int32(),
        "row": pl.Int32(),
    }
)
"""`place` is -1 where nothing but the id is known."""

ROWS: Final = pl.Schema(
    {
        "candidate_id": pl.String(),
        "problem_id": pl.String(),
        "index": pl.Int32(),
        "round": pl.Int32(),
        "teacher": pl.String(),
        "finish_reason": pl.String(),
        "verdict": pl.String(),
        "reason": pl.String(),
        "pass_rate": pl.Float32(),
        "tokens": pl.Int32(),
        "chars": pl.Int32(),
        "counted": pl.Boolean(),
        "place": pl.Int32(),
        "row": pl.Int32(),
    }
)
"""One per candidate. Empty strings and nulls where the source does not say; `counted` where the
candidate counts for the pass rate of its problem, and `pass_rate` where the source says it itself.
"""

ENDS: Final = pl.Schema(
    {
        "candidate_id": pl.String(),
        "reason": pl.String(),
        "place": pl.Int32(),
        "row": pl.Int32(),
    }
)
"""Why a candidate was dropped, or that it was kept, and the row that says so. Later ones win."""


class Source(Protocol):
    """What is opened. Each iterator goes file by file, in bounded memory."""

    @property
    def kind(self) -> str:
        """`run` or `dataset`."""
        ...

    @property
    def name(self) -> str:
        """What `file_name` makes of it."""
        ...

    @property
    def title(self) -> str:
        """For people."""
        ...

    @property
    def places(self) -> list[Place]:
        """The files, in an order that stays."""
        ...

    @property
    def digests(self) -> dict[str, str]:
        """What else than the files' size and time of change decides the content."""
        ...

    @property
    def clusters(self) -> Path | None:
        """The folder of the dataset whose `ledger` names duplicates."""
        ...

    def problems(self) -> Iterator[pl.DataFrame]:
        """Frames of `PROBLEMS`; of an id that comes twice the first one counts."""
        ...

    def rows(self) -> Iterator[pl.DataFrame]:
        """Frames of `ROWS`."""
        ...

    def ends(self) -> Iterator[pl.DataFrame]:
        """Frames of `ENDS`."""
        ...
