"""Judgements that are kept: what a judge said of a question, never asked for again.

A row's key is the digest of the question and of all that decides the reply beside it, so a kept
judgement can only answer the question that was asked.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from factory.kept_rows import KeptRows

FILE_NAME: Final = "judgements.sqlite"
_COLUMNS: Final = {
    "finding": "TEXT NOT NULL",
    "reason": "TEXT NOT NULL",
    "reply": "TEXT NOT NULL",
    "attempts": "INTEGER NOT NULL",
    "judge": "TEXT NOT NULL",
    "prompt": "TEXT NOT NULL",
    "server": "TEXT NOT NULL",
    "prompt_tokens": "INTEGER",
    "completion_tokens": "INTEGER",
    "wall_s": "REAL NOT NULL",
}


class Finding(StrEnum):
    """What a judge found."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNREADABLE = "unreadable"
    """No reply was in form, or the server will never answer this question (too long, declined)."""


@dataclass(frozen=True)
class Judgement:
    """What a judge said of one question."""

    finding: Finding
    reason: str
    """The judge's own, one line; of an unreadable one, what was wrong with it."""
    reply: str
    """The whole last reply."""
    attempts: int
    """How often it was asked, 1 where the first reply was in form."""
    judge: str
    """`model@revision`."""
    prompt: str
    server: str
    prompt_tokens: int | None
    completion_tokens: int | None
    wall_s: float


class JudgementStore(KeptRows):
    """An open file of judgements. `close` commits what was put.

    Raises:
        GraderError: The file cannot be opened, read or written (disk full, no such file).
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "judgements", _COLUMNS)

    def get_many(self, keys: Collection[str]) -> dict[str, Judgement]:
        """The committed judgements among those of `keys`."""
        rows = self.rows(keys).items()
        return {key: Judgement(Finding(row[0]), *row[1:]) for key, row in rows}

    def put(self, key: str, one: Judgement) -> None:
        """Take a judgement for the next commit."""
        said = one.finding.value, one.reason, one.reply, one.attempts, one.judge, one.prompt
        counts = one.server, one.prompt_tokens, one.completion_tokens, one.wall_s
        self.put_row(key, (*said, *counts))
