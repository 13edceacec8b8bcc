"""`[select]` of a recipe: which graded candidates become samples."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.field_types import Fraction, Positive, Quota
from schemas.row import Settings


class Journeys(Settings):
    """`[select.journeys]`: traces that contain a wrong attempt of the same teacher, the moment it
    is noticed, and the correct continuation (O1 Replication Journey)."""

    share: Fraction = 0.0
    """Of the problems that have a wrong and a right candidate; 0: none."""
    per_problem: Positive = 1
    """Journeys of such a problem; each takes the place of the right candidate it ends with."""


class Select(Settings):
    """`[select]`: which graded candidates become samples."""

    require_think: bool = True
    """Reasoning samples must have `<think>` closed once and an answer after it; for teachers that
    write plain chains of thought set it to false."""
    mixed_language: bool = True
    """Drop traces that mix writing systems foreign to the problem (R1)."""
    max_paragraph_chars: Positive = 4000
    """Drop traces with a longer paragraph (R1)."""
    code_block_in_math: bool = True
    """Drop mathematical traces with a code block (R1)."""
    repetition: bool = True
    """Drop completions with a degenerate loop."""
    without_work: bool = True
    """Drop answers to reasoning problems that are only said, or said over and over, without a
    step that leads to them."""
    max_tokens: Positive | None = None
    """Drop completions with more tokens, by the teacher's count."""
    min_chars: Annotated[int, Field(ge=0)] = 0
    """Drop completions with fewer characters."""
    min_pass_rate: Fraction = 0.0
    max_pass_rate: Fraction = 1.0
    """Keep problems with a pass rate in these bounds, inclusive."""
    per_problem: Positive = 4
    """At most so many samples per problem."""
    pick: Literal["shortest", "random", "different"] = "random"
    """Which ones: the shortest, any (by seed), or those that resemble each other least."""
    quota: dict[Quota, Positive] = Field(default_factory=dict)
    """At most so many samples per domain, or per category of one (`math/Algebra`), drawn evenly
    over problems by seed."""
    exclude: list[str] = Field(default_factory=list)
    """JSONL files of marks (`schemas.mark`), as the explorer saves them: candidates that are left
    out, whatever else is true of them."""
    journeys: Journeys = Journeys()
    pairs_per_problem: Annotated[int, Field(ge=0)] = 0
    """Samples of a problem that are paired with a rejected candidate of it, for preference
    training; the dataset's config `preference` publishes them."""

    @model_validator(mode="after")
    def _some_pass_rate_is_between(self) -> Self:
        if self.min_pass_rate > self.max_pass_rate:
            raise ValueError(
                f"expected `min_pass_rate` of at most `max_pass_rate`, found "
                f"{self.min_pass_rate} and {self.max_pass_rate}"
            )
        return self
