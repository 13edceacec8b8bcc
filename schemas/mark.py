"""A mark: a row that a person wants to see again or to leave out, as the explorer saves it."""

from __future__ import annotations

from schemas.row import Row


class Mark(Row):
    """One line of a JSONL file of marks. `[select] exclude` takes such a file: the candidate is
    left out, whatever its note says. Further keys of a line written by hand are an error."""

    candidate_id: str
    """Of a row of a dataset its `uuid`; of a journey that of the journey."""
    problem_id: str = ""
    note: str = ""
    marked_unix_s: float = 0.0
    """Seconds since the epoch; never enters a dataset."""
