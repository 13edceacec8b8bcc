"""Standard error as progress is written to it: whole lines in a log, rows below a bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from factory.shown.printable import printable


class RowsBelow:
    """Lines below a bar on a terminal; they go when the bar is closed."""

    def __init__(self) -> None:
        self._rows: list[tqdm[Any]] = []

    def show(self, lines: Sequence[str]) -> None:
        """Draw the lines in place of the last ones."""
        while len(self._rows) < len(lines):
            row = tqdm(
                bar_format="{desc}", dynamic_ncols=True, leave=False, file=sys.stderr, total=0
            )
            self._rows.append(row)
        padded = [*lines, *[""] * (len(self._rows) - len(lines))]
        for row, line in zip(self._rows, padded, strict=True):
            row.set_description_str(line)

    def close(self) -> None:
        """Take them away, the lowest first."""
        for row in reversed(self._rows):
            row.close()
        self._rows.clear()


class LogLines:
    """Standard error for a log: a line for each state of a bar, and none for clearing it."""

    def write(self, text: str) -> None:
        """Take what tqdm would draw over itself."""
        for state in text.replace("\r", "\n").splitlines():
            if state.strip():
                sys.stderr.write(state.rstrip() + "\n")

    def flush(self) -> None:
        """Nothing is held back."""
        sys.stderr.flush()


def write_lines(lines: Sequence[str]) -> None:
    """Write lines above any progress bar, the empty ones left out; nothing where it is silenced."""
    if not silent():
        for line in filter(None, lines):
            tqdm.write(printable(line), file=sys.stderr)


def silent() -> bool:
    """Whether `RETORT_PROGRESS=0` is set."""
    return os.environ.get("RETORT_PROGRESS") == "0"
