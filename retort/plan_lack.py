"""One thing that a run needs and that is not there."""

from __future__ import annotations

from typing import Literal

from schemas.row import Row


class Lack(Row):
    """One thing that is not there."""

    state: Literal["missing", "perhaps"]
    """`missing`: the run would stop; `perhaps`: it may be needed."""
    what: str
    remedy: str


def missing(what: str, remedy: str) -> Lack:
    """One that stops the run."""
    return Lack(state="missing", what=what, remedy=remedy)
