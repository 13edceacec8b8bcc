"""A run's ledger, counted again from its parts: the stable form of `retort ledger --json`."""

from __future__ import annotations

from pydantic import JsonValue

from schemas.row import Row


class Group(Row):
    """One source of one domain, and how many of its rows came how far."""

    domain: str
    """Empty where no problem of the source was admitted."""
    source: str
    problems: int
    """Read by collect."""
    admitted: int
    requested: int
    """Candidates, over all rounds."""
    failed: int
    correct: int
    not_correct: int
    """Graded, with any other verdict."""
    selected: int
    published: int


class Left(Row):
    """Rows of a source that one stage left out, or gave a verdict, for one reason."""

    stage: str
    reason: str
    source: str
    rows: int


class Round(Row):
    """The candidates of one round."""

    round: int
    requested: int
    failed: int
    correct: int
    not_correct: int


class Mismatch(Row):
    """Two counts that should be one."""

    where: str
    expected: str
    found: str


class Ledger(Row):
    """The whole path, and whether it adds up."""

    run: str
    dataset: str
    """Its folder."""
    groups: list[Group]
    """Sorted by domain and source."""
    drops: list[Left]
    """In the order of the path, most rows first."""
    verdicts: list[Left]
    rounds: list[Round]
    requested: int
    published: int
    dropped: int
    """Of the requested candidates: published + dropped = requested, where it adds up."""
    merged: int
    """Of the dropped ones, those that are the beginning of a journey."""
    mismatches: list[Mismatch]


# -------------------------------------------------------------------------------- of one problem


class Fate(Row):
    """What one stage did with a candidate."""

    stage: str
    what: str
    """A reason to drop, `sample`, `journey` or `published`."""
    detail: str


class CandidatePath(Row):
    """A candidate of a problem, and what became of it."""

    candidate_id: str
    round: int
    index: int
    teacher: str = ""
    completion_tokens: int | None = None
    finish_reason: str = ""
    rewrites: str | None = None
    text: str = ""
    """Empty where it failed."""
    verdict: str = ""
    method: str = ""
    extracted: str = ""
    detail: str = ""
    """Of the verdict."""
    fates: list[Fate]
    """In the order of the path."""


class ProblemPath(Row):
    """A problem through every stage: the stable form of `retort ledger --problem ID --json`."""

    run: str
    problem_id: str
    problem: dict[str, JsonValue] | None
    """Its row; None where it was not admitted."""
    rejected: list[dict[str, JsonValue]]
    """Why collect left it out: rows with `source`, `reason` and `detail`."""
    pass_rate: dict[str, JsonValue] | None
    """Its row of select's `pass_rates`; None where it has no candidates."""
    candidates: list[CandidatePath]
    """By round and index."""
    rows: list[dict[str, JsonValue]]
    """Its rows of the dataset, with their numbers, without texts."""
