"""What a rule found: its evidence, how far beyond the limit it is, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BEFORE_CHARS: Final = 80
_EXCERPT_CHARS: Final = 240


@dataclass(frozen=True)
class Found:
    """Why a rule drops a candidate."""

    evidence: str
    """One line for people."""
    margin: float = 0.0
    """How far beyond the limit, as a share of it: 0 is borderline. Rules without a limit (a
    completion is cut, or it is not) give 0."""
    at: int = 0
    """Where in the completion, in characters."""


def excerpt(text: str, at: int) -> str:
    """At most 240 characters of a completion around a place, on one line; cuts shown by `…`."""
    start = max(0, at - _BEFORE_CHARS)
    piece = text[start : start + _EXCERPT_CHARS]
    before = "…" if start else ""
    after = "…" if start + _EXCERPT_CHARS < len(text) else ""
    return f"{before}{' '.join(piece.split())}{after}"
