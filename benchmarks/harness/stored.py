"""A stored response and the rows of the real sets that it answers."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.recipe_file import data_root

SAMPLES: Final = 4
"""Stored responses to each problem."""


@dataclass(frozen=True)
class Response:
    """One stored response to a problem, and what it is known to be by construction."""

    problem: int
    """Row of the problem in its file, from 0."""
    index: int
    """Of the response among those to its problem, from 0."""
    form: str
    """How it is written; the name of one of the forms."""
    text: str
    """What our graders read."""
    right: bool | None
    """Whether the last answer that it commits to is right; False where it commits to none, None
    where nothing is known."""
    cut: bool = False
    """Whether it ended at a token limit."""
    completion: str = ""
    """For a program: what the scorer of HumanEval puts after the stub."""

    @property
    def name(self) -> str:
        """`problem/index`."""
        return f"{self.problem}/{self.index}"


def rows_of(path: str) -> list[dict[str, Any]]:
    """The rows of a file of the data, plain or gzipped lines of JSON."""
    file = data_root() / path
    content = gzip.decompress(file.read_bytes()) if path.endswith(".gz") else file.read_bytes()
    return [json.loads(line) for line in content.splitlines()]


def digest_of(responses: Iterable[Response]) -> str:
    """A digest of the texts, so that stored verdicts are known to be about the same ones."""
    texts = (f"{one.name}\0{one.text}\0{one.completion}\0{one.cut}\n" for one in responses)
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:32]


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Lines of JSON in a file; gives its path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of such a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
