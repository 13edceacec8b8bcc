"""The tables of a recipe that measure a model beyond drawing and grading: `[validate.best_of]` and
`[validate.budget]`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.row import Settings

_Positive = Annotated[int, Field(ge=1)]


class BestOf(Settings):
    """`[validate.best_of]`: of each problem's candidates the one that another model likes best.
    Its addresses are in the machine file, `[judge]` or `[reward]`."""

    by: Literal["judge", "reward"]
    """`judge` asks a chat model for a mark from 0 to 10, without showing the gold; `reward` asks a
    reward model behind vLLM's pooling endpoints."""
    model: str
    """Name under which the endpoint serves it."""
    revision: str
    """The user's own word for the version that is served; it enters the key."""
    n: list[_Positive] = Field(default_factory=list[int])
    """Report best@n for these n, each at most `k`; empty: for `k` alone."""
    max_tokens: _Positive = 1024
    """Of the judge's answer."""


class BudgetForcing(Settings):
    """`[validate.budget]`: how long a model thinks is forced (Muennighoff et al. 2025, s1,
    arXiv 2501.19393, section 3.1). At least one of both is given."""

    max_thinking_tokens: _Positive | None = None
    """Thinking that is not closed after so many tokens is closed by `closing`, and the model goes
    on with its answer; None: it may fill `sampling.max_tokens`."""
    waits: Annotated[int, Field(ge=0)] = 0
    """So many times the end of thinking is left out and `wait` is written in its place."""
    wait: str = "Wait"
    closing: str = "\n</think>\n\n"
    """What ends thinking that went on for too long."""

    @model_validator(mode="after")
    def _something_is_forced(self) -> Self:
        if self.max_thinking_tokens is None and not self.waits:
            raise ValueError("give `max_thinking_tokens`, `waits` or both; else leave it out")
        if not self.wait or "</think>" not in self.closing:
            raise ValueError("`wait` must not be empty, and `closing` must hold `</think>`")
        return self
