"""One line of a file for `retort grade math`, and one line of its output."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from schemas.candidate import FinishReason
from schemas.row import Row
from schemas.verdict import Status


class MathLine(Row):
    """A gold answer, and a response or an answer to compare with it: one of the two."""

    model_config = ConfigDict(strict=True)

    id: str | int
    """As it is in the output; `1` and `"1"` differ."""
    gold: str
    """Plain text or LaTeX; with `####` or a box only the answer there."""
    response: str | None = None
    """A whole completion, with or without `<think>`: its final answer is searched in it."""
    answer: str | None = None
    """An answer that is extracted already: nothing is searched in it."""
    finish_reason: Annotated[FinishReason | None, Field(strict=False)] = None
    """Why the response ended, `length` where it was cut; None is `stop`. It says nothing of an
    `answer`."""

    @model_validator(mode="after")
    def _one_of_two(self) -> MathLine:
        if (self.response is None) == (self.answer is None):
            found = "none" if self.answer is None else "both"
            raise ValueError(f"expected `response` or `answer`, one of them, found {found}")
        if not self.gold.strip():
            raise ValueError(f"`gold`: expected an answer, found {self.gold!r:.80}")
        return self


class MathResult(Row):
    """What became of one line, without its id."""

    verdict: Status
    """`correct`, `incorrect`, `unparsable`, `timeout`, `memory`, `truncated` or `infra`."""
    extracted: str
    """The answer that was compared, cut where it is long; empty where there is none."""
    method: str
    """What decided; empty where there is no verdict (`infra`)."""
    wall_s: float
