"""What a command prints: its answer on standard output, what it says beside it on standard error.

Whatever came from a model or a file is made harmless to a terminal (`factory.shown.printable`).
"""

from __future__ import annotations

import json
import sys
from typing import Any

from factory.shown.printable import printable


def answer(text: str, *, end: str = "\n") -> None:
    """Print what was asked for, for people; newlines and tabs stay."""
    print(printable(text), end=end, flush=True)  # noqa: T201 - the command line's own output


def answer_json(value: Any) -> None:
    """Print what was asked for, for programs: JSON in ASCII."""
    print(json.dumps(value, indent=2), flush=True)  # noqa: T201 - the command line's own output


def say(text: str) -> None:
    """Print something beside the answer, on standard error."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201 - the command line's own output
