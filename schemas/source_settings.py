"""Sources of problems whose form Retort knows: published sets in their own files, and problems that
a program makes. A part of `[collect]` and of a suite; rows of other forms are in
`schemas.row_source_settings`."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from schemas.field_types import Positive, Slug
from schemas.problem import Domain
from schemas.row import Settings


class NamedSource(Settings):
    """What every source has."""

    name: Slug
    """Prefix of the problem ids, unique in its list."""
    limit: Positive | None = None
    """At most this many problems, the first ones in a seeded shuffle; None takes all in order."""


class Gsm8kSource(NamedSource):
    """GSM8K in its own JSONL form (`question`, `answer` with `####`)."""

    kind: Literal["gsm8k"]
    path: str
    license: str = "MIT"


class MathSource(NamedSource):
    """MATH in JSONL form (`problem`, `solution` with a last `\\boxed`, `level`, `type`)."""

    kind: Literal["math"]
    path: str
    license: str = "MIT"


class HumanEvalSource(NamedSource):
    """HumanEval in its own gzipped JSONL form."""

    kind: Literal["humaneval"]
    path: str
    license: str = "MIT"


class MbppSource(NamedSource):
    """MBPP in its own JSONL form."""

    kind: Literal["mbpp"]
    path: str
    license: str = "CC-BY-4.0"


class GpqaSource(NamedSource):
    """GPQA in the columns of its own CSV files: the right answer and three wrong ones stand in
    four columns. They are put in a seeded order, and the gold is a letter."""

    kind: Literal["gpqa"]
    path: str = ""
    """A CSV, JSONL or Parquet file or a folder; or else `dataset`."""
    dataset: str = ""
    """Name on the hub (gated), or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "train"
    seed: int = 0
    """Decides the order of the answers, with the problem's id."""
    license: str = "CC-BY-4.0"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self


class LiveCodeBenchSource(NamedSource):
    """LiveCodeBench's code generation problems in their own JSONL files (`test*.jsonl` of
    `livecodebench/code_generation_lite`), hidden tests included."""

    kind: Literal["livecodebench"]
    path: str
    since: date | None = None
    """Only problems of contests on or after this day."""
    until: date | None = None
    """Only problems of contests on or before this day."""
    license: str = "CC-BY-4.0"


class ProceduralSource(NamedSource):
    """Problems made by a seeded program (`factory.collect.procedural`)."""

    kind: Literal["procedural"]
    family: Literal["arithmetic", "python", "chat", "identity"]
    split: Literal["bootstrap", "train", "heldout"]
    """`bootstrap` taught the embedded models; the three never share a problem."""
    count: Positive
    seed: int = 0
    settings: dict[str, str] = Field(default_factory=dict)
    """Of `identity`: `name` and `maker` of the model that is asked who it is."""
    license: str = "Apache-2.0"

    @model_validator(mode="after")
    def _only_identity_has_settings(self) -> Self:
        wanted = {"name", "maker"} if self.family == "identity" else set[str]()
        if set(self.settings) != wanted or not all(one.strip() for one in self.settings.values()):
            raise ValueError(
                f"family {self.family} takes the settings {sorted(wanted)}, each with a text; "
                f"found {self.settings}"
            )
        return self


class ReasoningGymSource(NamedSource):
    """Problems that a dataset of reasoning-gym makes, in the sandbox, graded by its own scorer."""

    kind: Literal["reasoning_gym"]
    dataset: str
    """Its name there, e.g. `countdown`."""
    config: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings of the dataset but `seed` and `size`."""
    count: Positive
    seed: int = 0
    domain: Domain = Domain.LOGIC
    license: str = "Apache-2.0"

    @field_validator("config")
    @classmethod
    def _seed_and_size_are_ours(cls, config: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if {"seed", "size"} & set(config):
            raise ValueError("`seed` and `size` are the source's own `seed` and `count`")
        return config
