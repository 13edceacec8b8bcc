"""A rating: how much another model likes an answer, without having seen the gold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from factory.digest import digest
from factory.kept_rows import KeptRows
from schemas.sample import Message

FILE_NAME: Final = "ratings.sqlite"
_COLUMNS: Final = {
    "mark": "REAL",
    "reason": "TEXT NOT NULL",
    "attempts": "INTEGER NOT NULL",
    "rater": "TEXT NOT NULL",
    "server": "TEXT NOT NULL",
    "prompt_tokens": "INTEGER",
    "completion_tokens": "INTEGER",
    "wall_s": "REAL NOT NULL",
}

RATING: Final = pa.schema(
    [
        pa.field("candidate_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("mark", pa.float64()),
        pa.field("method", pa.string(), nullable=False),
        pa.field("detail", pa.large_string(), nullable=False),
        pa.field("wall_s", pa.float64(), nullable=False),
    ]
)
"""Columns of `ratings-*.parquet`, one row per candidate with an answer; `mark` is null where the
rater gave none that can be read, `method` is `judge` or `reward`."""


@dataclass(frozen=True)
class Answered:
    """What is rated: an answer, after its reasoning, and what it answers."""

    history: Sequence[Message]
    statement: str
    answer: str

    def key(self, by: Literal["judge", "reward"], **settings: object) -> str:
        """Digest of what is shown and of what decides beside it, 64 hexadecimal digits."""
        turns = [[turn.role, turn.content] for turn in self.history]
        return digest([by, turns, self.statement, self.answer, settings])


@dataclass(frozen=True)
class Rating:
    """What a model said of one answer."""

    mark: float | None
    """The higher the better: 0 to 10 of a judge, any number of a reward model; None where there is
    none that can be read, or the server will never rate this answer (too long, declined)."""
    reason: str
    """The judge's own, one line; where there is no mark, why."""
    attempts: int
    rater: str
    """`model@revision`."""
    server: str
    prompt_tokens: int | None
    completion_tokens: int | None
    wall_s: float


class RatingStore(KeptRows):
    """An open file of ratings. `close` commits what was put.

    Raises:
        GraderError: The file cannot be opened, read or written (disk full, no such file).
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "ratings", _COLUMNS)

    def get_many(self, keys: Collection[str]) -> dict[str, Rating]:
        """The committed ratings among those of `keys`."""
        return {key: Rating(*row) for key, row in self.rows(keys).items()}

    def put(self, key: str, one: Rating) -> None:
        """Take a rating for the next commit."""
        said = one.mark, one.reason, one.attempts, one.rater
        counts = one.server, one.prompt_tokens, one.completion_tokens, one.wall_s
        self.put_row(key, (*said, *counts))
