"""A few real examples of what each rule dropped, borderline ones first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from factory.select.found import Found, excerpt

AT_MOST: Final = 5


@dataclass(frozen=True, order=True)
class Example:
    """A dropped candidate; the order is that in which examples are shown."""

    reason: str
    margin: float
    """How far beyond the limit; 0 is borderline."""
    candidate_id: str
    problem_id: str
    source: str
    evidence: str
    excerpt: str
    """Of its text, around what was found; empty where nothing of the text decided."""


class Borderline:
    """Keeps the first few examples of each reason, whatever the order in which they come."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Example]] = defaultdict(list)

    def offer(
        self, reason: str, found: Found, *, ids: tuple[str, str], source: str, text: str
    ) -> None:
        """Look at one dropped candidate; its excerpt is made only if it is kept.

        Args:
            ids: Of the candidate and its problem.
        """
        kept = self._kept[reason]
        candidate_id, problem_id = ids
        if len(kept) == AT_MOST and (found.margin, candidate_id) >= (
            kept[-1].margin,
            kept[-1].candidate_id,
        ):
            return
        shown = excerpt(text, found.at) if text else ""
        self.add(
            [Example(reason, found.margin, candidate_id, problem_id, source, found.evidence, shown)]
        )

    def add(self, examples: Iterable[Example]) -> None:
        """Take in examples."""
        for one in examples:
            kept = self._kept[one.reason]
            kept.append(one)
            kept.sort()
            del kept[AT_MOST:]

    def examples(self) -> list[Example]:
        """Those that are kept, sorted."""
        return sorted(one for kept in self._kept.values() for one in kept)
