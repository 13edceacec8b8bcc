"""A verdict: what a grader found, as an enum with its evidence; never None."""

from __future__ import annotations

from enum import StrEnum

from schemas.row import Row


class Status(StrEnum):
    """The one enum of verdicts. *Graded* means any of them except `infra`."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNPARSABLE = "unparsable"
    """No final answer could be read, or it is not in the language of the grader."""
    TRUNCATED = "truncated"
    """The completion was cut at the token limit, or its thinking never closed."""
    ERROR = "error"
    """The program raised, or ended by a signal that no limit of ours sent."""
    SYNTAX = "syntax"
    """The program does not parse or compile."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    NO_MAJORITY = "no_majority"
    """The problem has no gold, and too few candidates agree on an answer."""
    INFRA = "infra"
    """The machine's fault, after retries. Only in the output of `retort grade`, whose exit code
    is then not zero; a stage raises an error instead, so no manifest ever holds it."""


class CandidateVerdict(Row):
    """The verdict on one candidate."""

    candidate_id: str
    problem_id: str
    index: int
    round: int
    status: Status
    extracted: str
    """The final answer that was compared, or the program that was run; empty where none is."""
    method: str
    """What decided, e.g. `string`, `rational`, `sympy`, `sandbox`, `extraction`."""
    detail: str
    """One line of evidence: the failing case, the error, the limit."""
    passed: int | None
    """Test cases passed and run; None for graders that have no cases."""
    total: int | None
    wall_s: float
    """Time that grading took. Never enters a dataset."""
