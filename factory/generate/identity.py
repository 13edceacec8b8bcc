"""A candidate's identity, and what became of it: a completion, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from factory.digest import candidate_id
from schemas.candidate import FinishReason
from schemas.sample import Drop


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a candidate that candidate and no other."""

    problem_id: str
    index: int
    teacher: str
    sampling_digest: str
    prompt_digest: str

    @property
    def candidate_id(self) -> str:
        """32 hexadecimal digits."""
        return candidate_id(
            self.problem_id, self.index, self.teacher, self.sampling_digest, self.prompt_digest
        )


class Completion(NamedTuple):
    """What a teacher answered for one identity; the fields are those of `Candidate`."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    seed: int | None
    server: str
    engine: str
    created_unix_s: float
    wall_s: float | None


class Failure(NamedTuple):
    """Why a request ended without a completion: `failed` or `overlong_prompt`, with evidence."""

    reason: Drop
    detail: str


Outcome = tuple[str, Identity, Completion | Failure]
"""Candidate id, its identity, and what was answered."""
