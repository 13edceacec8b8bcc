"""A candidate: one stored teacher completion."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from schemas.row import Row

GIVEN: Final = "given"
"""`engine` of the answers in conversations that are passed through: nobody was asked for them."""


class FinishReason(StrEnum):
    """Why the completion ended. `length` is cut at the limit; `unknown` only for imports."""

    STOP = "stop"
    LENGTH = "length"
    UNKNOWN = "unknown"


class Candidate(Row):
    """One completion of one prompt, as the teacher wrote it."""

    candidate_id: str
    """32 hexadecimal digits: `factory.digest.candidate_id` of the identity, which is problem id,
    index, teacher and revision, sampling parameters and the digest of the rendered prompt."""
    problem_id: str
    index: int
    """Counts the candidates of a problem from 0, over all rounds."""
    round: int
    """The round (from 1) that asked for it."""
    teacher: str
    """Model name and revision, `name@revision`; the revision of a local folder is its digest."""
    sampling_digest: str
    prompt_digest: str
    """Digest of the rendered prompt (template, messages and generation prefix)."""
    text: str
    """The whole completion with its reasoning inline: `<think>…</think>` and then the answer,
    wherever the server put the reasoning, and with the prefix that the prompt had forced."""
    finish_reason: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    """Counted by the server; None where an import has no counts."""
    seed: int | None
    rewrites: str | None
    """Id of the candidate that this one is a rewritten form of; None for all others."""
    label: bool | None
    """Correctness as an imported file states it; never used for selection."""
    server: str
    """Base URL without credentials, or the file it was imported from."""
    engine: str
    """Engine and version, e.g. `vllm 0.32.0`; `import`; `given`."""
    created_unix_s: float
    """When it was stored, in seconds since the epoch. Never enters a dataset."""
    wall_s: float | None
    """Time from request to completion."""
