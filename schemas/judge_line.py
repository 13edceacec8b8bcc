"""One line of a file for `retort grade judge`, and one line of its output."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from schemas.candidate import FinishReason
from schemas.row import Row
from schemas.verdict import Status


class JudgeLine(Row):
    """A problem, perhaps with its gold answer, and a response or an answer: one of the two."""

    model_config = ConfigDict(strict=True)

    id: str | int
    """As it is in the output; `1` and `"1"` differ."""
    problem: str
    gold: str | None = None
    """The reference; without one the answer is judged by `quality-1`."""
    response: str | None = None
    """A whole completion, with or without `<think>`: what follows the reasoning is judged."""
    answer: str | None = None
    """An answer without its reasoning: judged as it stands."""
    finish_reason: Annotated[FinishReason | None, Field(strict=False)] = None
    """Why the response ended, `length` where it was cut; None is `stop`. It says nothing of an
    `answer`."""
    label: bool | None = None
    """Whether a person holds the answer for right; the judge never sees it."""

    @model_validator(mode="after")
    def _one_of_two(self) -> JudgeLine:
        if (self.response is None) == (self.answer is None):
            found = "none" if self.answer is None else "both"
            raise ValueError(f"expected `response` or `answer`, one of them, found {found}")
        if not self.problem.strip():
            raise ValueError(f"`problem`: expected a text, found {self.problem!r:.80}")
        return self


class JudgeResult(Row):
    """What became of one line, without its id."""

    verdict: Status
    """`correct`, `incorrect`, `unparsable`, `truncated` or `infra`."""
    method: str
    """`judge`; `extraction` where it was not asked; empty where there is no verdict (`infra`)."""
    detail: str
    """One line: prompt, judge and its reason; or why there is no judgement."""
    label: bool | None
    """As in the input."""
    wall_s: float
