"""A score: one number of validation, with what it needs to be believed; and two scores compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.row import Row


class Score(Row):
    """One row of a run's scores, as `retort summary --json` prints it."""

    model: str
    role: Literal["base", "teacher", "student", "control", "model"]
    """`model` is one that was validated alone, outside a run."""
    arch: str
    """`model_type` of the model's configuration: `qwen2` or `llama`."""
    suite: str
    """Name of the suite, or `all` for the overall row."""
    metric: str
    """`pass@1`, `pass@8`, `maj@8`, `best@8`, …"""
    temperature: float | None
    """None where the responses were there already: nobody knows how they were drawn."""
    k: int
    """Candidates per problem that were drawn; of `all` those of the suite with the fewest."""
    seed: int
    value: Annotated[float, Field(ge=0.0, le=1.0)]
    stderr: float
    """Standard error over problems: how far another set of such problems, with candidates drawn
    anew, may be from it. It contains `stderr_candidates`."""
    stderr_candidates: float | None = None
    """Standard error over candidates: how far the same problems with candidates drawn anew may be
    from it. None where one draw does not tell: for pass@k where a problem has fewer than 2k
    candidates, and for metrics other than pass@k."""
    low: float
    """Lower end of the 95% interval over problems (`factory.validate.intervals`: Wilson's, with the
    number of problems that a binomial of this standard error would have)."""
    high: float
    n: int
    """Problems."""


class Comparison(Row):
    """Two models on the same problems of one suite: `value` of the first less the second."""

    model: str
    role: str
    other: str
    other_role: str
    suite: str
    metric: str
    """`pass@1`."""
    difference: float
    stderr: float
    """Standard error of the mean difference per problem."""
    low: float
    """Lower end of the 95% interval."""
    high: float
    p_value: float
    """Two-sided, of the paired sign-flip permutation test over problems: how often chance alone
    would give a difference as large."""
    better: int
    """Problems on which the first has the higher share of correct candidates."""
    worse: int
    n: int
    """Problems in both; others are left out and counted where it is made."""
