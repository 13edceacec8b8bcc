"""Rows of imported generations that cannot be read and were left out: counted, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from factory.errors import RetortError
from factory.parts import write_atomically
from factory.shown.progress import say

FILE: Final = "bad_rows.txt"
_MOST_LINES: Final = 1000


class BadRows:
    """How many there were, and the errors of the first thousand."""

    def __init__(self) -> None:
        self.count = 0
        self._errors: list[str] = []

    def add(self, error: RetortError) -> None:
        """Count one."""
        self.count += 1
        if len(self._errors) < _MOST_LINES:
            self._errors.append(str(error))

    def tell(self, folder: Path) -> None:
        """Say how many there were, and leave their errors in the folder; nothing without any."""
        (folder / FILE).unlink(missing_ok=True)
        if not self.count:
            return
        write_atomically(folder / FILE, ("\n".join(self._errors) + "\n").encode())
        say(
            f"import: {self.count:,} rows cannot be read and are left out (skip_bad); the first: "
            f"{self._errors[0]}; more in {folder / FILE}"
        )
