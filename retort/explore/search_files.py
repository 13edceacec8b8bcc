"""The files of the index of texts, and how far it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from factory.parts import write_atomically
from schemas.row import Row

TEXTS_FILE: Final = "texts.sqlite"
STATE_FILE: Final = "texts.json"
TABLE: Final = (
    "CREATE VIRTUAL TABLE texts USING fts5(text, content='', detail=full, "
    "tokenize='unicode61 remove_diacritics 2')"
)
"""Without the texts themselves; `rowid` is the place in the table's column `by_place`."""


class SearchState(Row):
    """`search` of `/api/about`."""

    state: Literal["ready", "building", "failed"]
    done: int = 0
    total: int = 0
    left_s: float | None = None
    message: str = ""


def read_state(folder: Path) -> SearchState | None:
    """What the builder said last; None where it said nothing yet."""
    try:
        return SearchState.model_validate_json((folder / STATE_FILE).read_bytes())
    except OSError:
        return None


def write_state(folder: Path, state: SearchState) -> None:
    """Say how far it is."""
    write_atomically(folder / STATE_FILE, state.model_dump_json().encode())
