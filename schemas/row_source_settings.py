"""Sources of problems in rows of any form: which column holds what, and which rows count. A part of
`[collect]` and of a suite."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from schemas.problem import AnyGrader, Domain, GraderName
from schemas.row import Settings
from schemas.source_settings import NamedSource

Reasoning = bool | Literal["auto"]
"""Whether problems of a source are answered with a chain of thought: always, never, or `auto`,
as each prompt deserves (`factory.collect.deserves`)."""


class Columns(Settings):
    """Which column of a foreign file holds what; an empty name means that it has none.

    A dot goes into a nested column: `reward_model.ground_truth`. Names separated by commas are
    several columns: of `statement` joined by an empty line, of `gold` tests put together.
    """

    problem_id: str = "problem_id"
    statement: str = "problem"
    """Text, or the turns of a conversation whose last user turn is the statement."""
    gold: str = "gold"
    level: str = ""
    category: str = ""
    solution: str = ""
    tests: Literal["own", "apps", "contests", "cases"] = "own"
    """Shape of the tests that `gold` holds for the grader `code` (`factory.collect.code_tests`)."""


class _Rows(NamedSource):
    """A source of foreign rows, of which some may be left out."""

    license: str
    where: dict[str, list[JsonValue]] = Field(default_factory=dict)
    """Take only rows whose column has one of these values; the others are counted."""
    skip_bad: bool = False
    """Leave out and count rows that cannot be read, where the source is known to have some; else
    the first one is an error."""
    category: str = ""
    """Category of every problem, where no column says it."""


class _Problems(_Rows):
    """Rows with columns of their own, one problem each."""

    domain: Domain
    grader: AnyGrader
    reasoning: Reasoning = True
    columns: Columns = Columns()

    @model_validator(mode="after")
    def _answers_are_not_given(self) -> Self:
        if self.grader == GraderName.GIVEN:
            raise ValueError(
                "the grader `given` is for sources of kind `sft`, whose rows have answers"
            )
        return self


class FileSource(_Problems):
    """Problems from JSONL or Parquet files, one row per problem."""

    kind: Literal["file"]
    path: str


class HubSource(_Problems):
    """Problems from a Hugging Face dataset by name and revision, or from a local copy of one."""

    kind: Literal["hub"]
    dataset: str
    revision: str
    """Full commit hash; empty only for a local folder."""
    config: str = ""
    split: str = "train"


class SftSource(_Rows):
    """Conversations that exist already and are passed through: the last assistant turn of a row
    is its one candidate, and the turns before it are its prompt. Nothing is drawn for it."""

    kind: Literal["sft"]
    path: str = ""
    """A file or folder; or else `dataset`."""
    dataset: str = ""
    """Name on the hub, or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "train"
    domain: Domain = Domain.GENERAL
    grader: Literal["given", "judge"] = "given"
    """`given` takes every answer as it stands; `judge` has a model decide which are good."""
    model: str = ""
    """Who wrote the answers, for `generation_model`; empty: the source's name."""
    messages: str = "messages"
    """Column with the turns, `role`/`content` or `from`/`value`; empty: `prompt` and `response`."""
    system: str = ""
    """Column with a system message of its own, put before the turns."""
    prompt: str = "prompt"
    """Several columns, separated by commas, are joined by an empty line."""
    response: str = "response"
    problem_id: str = ""
    category_column: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self
