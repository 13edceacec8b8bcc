"""A score: one number of validation, with what it needs to be believed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.row import Row


class Score(Row):
    """One row of a run's scores, as `retort summary --json` prints it."""

    model: str
    role: Literal["base", "teacher", "student", "control"]
    arch: str
    """`model_type` of the model's configuration: `qwen2` or `llama`."""
    suite: str
    """Name of the suite, or `all` for the overall row."""
    metric: str
    """`pass@1`, `pass@8`, `maj@8`, …"""
    temperature: float
    k: int
    """Candidates per problem that were drawn."""
    seed: int
    value: Annotated[float, Field(ge=0.0, le=1.0)]
    stderr: float
    """Standard error over problems."""
    n: int
    """Problems."""
