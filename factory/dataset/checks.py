"""What a check of a dataset says: that all is as it must be, or each mismatch by its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from schemas.row import Row

TAKE_AGAIN: Final = "copy the dataset again from where it was published, or rebuild it"
MOST_NAMED: Final = 5
"""Rows that one mismatch names; it counts all."""


class Fault(Row):
    """One mismatch."""

    file: str
    """Relative to the dataset's folder."""
    expected: str
    found: str
    remedy: str = TAKE_AGAIN

    def __str__(self) -> str:
        return f"{self.file}: expected {self.expected}, found {self.found}; {self.remedy}"


class Check(Row):
    """One check: what was looked at, and what is wrong with it."""

    name: str
    looked_at: str
    """For people: how much was compared."""
    faults: list[Fault] = Field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def some(names: Sequence[str], count: int | None = None) -> str:
    """The first few names, and how many more there are."""
    count = len(names) if count is None else count
    shown = ", ".join(names[:MOST_NAMED])
    return shown if count <= MOST_NAMED else f"{shown} and {count - MOST_NAMED:,} more"
