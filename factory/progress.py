"""Progress of long work on standard error: done, rate and time left.

tqdm does it; where the output is no terminal it writes a whole line now and then instead of
redrawing one. Libraries and tests that want silence set `RETORT_PROGRESS=0`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


def progress(label: str, total: int | None, unit: str, initial: int = 0) -> tqdm[Any]:
    """A progress bar; `update(n)` it, and close it (or use it in a `with`)."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=label,
        unit=f" {unit}",
        disable=os.environ.get("RETORT_PROGRESS") == "0",
        dynamic_ncols=terminal,
        mininterval=0.2 if terminal else _SECONDS_BETWEEN_LINES,
        maxinterval=10.0 if terminal else _SECONDS_BETWEEN_LINES,
        ascii=not terminal,
        file=sys.stderr if terminal else _Lines(),
    )


class _Lines:
    """Standard error for a log: a line for each state of a bar, and none for clearing it."""

    def write(self, text: str) -> None:
        """Take what tqdm would draw over itself."""
        for state in text.replace("\r", "\n").splitlines():
            if state.strip():
                sys.stderr.write(state.rstrip() + "\n")

    def flush(self) -> None:
        """Nothing is held back."""
        sys.stderr.flush()


def say(line: str) -> None:
    """One line of news, above any progress bar."""
    if os.environ.get("RETORT_PROGRESS") != "0":
        tqdm.write(line, file=sys.stderr)
