"""What a page is made of: sections of pictures, tables and paragraphs, as plain text.

Nothing here is HTML but `Picture.svg`, which `drawing` makes; the template escapes the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from factory.report.amounts import NONE

_MANY_NAMES: Final = 3
"""Columns of names that are too wide together to stand on one line."""


@dataclass(frozen=True)
class Picture:
    """One picture, with its text for those who do not see it in `svg`."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Table:
    """Columns under a head; every row has as many cells as the head."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    """The first so many columns are names; the others are numbers, set to the right."""
    folded: bool = False
    """Shown when it is opened; always printed."""
    text_columns: frozenset[int] = frozenset()
    """Columns beyond `left` that are text."""

    def look(self, column: int) -> str:
        """The CSS class of a column's cells."""
        if column < self.left:
            return "name" if self.left < _MANY_NAMES else "name wraps"
        return "text" if column in self.text_columns else "number"


def without_empty(table: Table) -> Table:
    """The table without columns of numbers or text in which no row has anything."""
    full = [
        at
        for at in range(len(table.head))
        if at < table.left or any(row[at] not in ("", NONE) for row in table.rows)
    ]
    return replace(
        table,
        head=[table.head[at] for at in full],
        rows=[[row[at] for at in full] for row in table.rows],
        text_columns=frozenset(new for new, at in enumerate(full) if at in table.text_columns),
    )


@dataclass(frozen=True)
class Paragraph:
    """A few sentences."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Verbatim:
    """A text as it is, folded."""

    caption: str
    text: str


@dataclass(frozen=True)
class Card:
    """One figure of the headline row."""

    label: str
    value: str
    detail: str = ""


Block = Picture | Table | Paragraph | Verbatim


@dataclass(frozen=True)
class Section:
    """A heading of the contents list and what stands under it."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    cards: Sequence[Card]
    sections: Sequence[Section]
    missing: Sequence[str] = field(default_factory=tuple)
    """What could not be read, a sentence each."""

    def kind(self, block: Block) -> str:
        """The name of a block's class, for the template."""
        return type(block).__name__
