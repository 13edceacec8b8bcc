"""`[collect]` of a recipe: where problems come from, and which benchmarks they must not overlap."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.field_types import Slug
from schemas.row import Settings
from schemas.row_source_settings import FileSource, HubSource, SftSource
from schemas.source_settings import (
    GpqaSource,
    Gsm8kSource,
    HumanEvalSource,
    LiveCodeBenchSource,
    MathSource,
    MbppSource,
    ProceduralSource,
    ReasoningGymSource,
)

Source = Annotated[
    Gsm8kSource
    | MathSource
    | HumanEvalSource
    | MbppSource
    | GpqaSource
    | LiveCodeBenchSource
    | FileSource
    | HubSource
    | SftSource
    | ProceduralSource
    | ReasoningGymSource,
    Field(discriminator="kind"),
]


class Overlap(Settings):
    """`[collect.overlap]`: what counts as an overlap with an item of a benchmark. Case,
    punctuation, Unicode forms and line wrapping do not matter."""

    words: Annotated[int, Field(ge=8, le=64)] = 13
    """So many successive words of an item, as in the GPT-3 report."""
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Or this share of the item's runs of eight words, anywhere in the text; 1: only all of them.
    Items with fewer than `words` words are found whole."""


class Benchmark(Settings):
    """`[[collect.benchmarks]]`: items that neither problems nor samples may overlap with, beside
    the suites of `[validate]`."""

    name: Slug
    path: str = ""
    """A JSONL or Parquet file, or a folder of them; or else `dataset`."""
    dataset: str = ""
    """Name on the hub, or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "test"
    item_id: str = ""
    """Column with the item's id; empty: the number of the row, from 0."""
    columns: list[str] = Field(default_factory=lambda: ["problem"], min_length=1)
    """Columns with texts, each a text of its own: the problem, and its answer or solution where
    that is worth protecting. A dot goes into a nested column."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self


class Collect(Settings):
    """`[collect]`: where problems come from."""

    sources: list[Source] = Field(min_length=1)
    check_gold: bool = True
    """Admit a problem only if its grader accepts its own gold answer (or reference program)."""
    decontaminate: bool = True
    """Leave out problems that overlap with one of `benchmarks` or a suite of `[validate]`."""
    benchmarks: list[Benchmark] = Field(default_factory=list[Benchmark])
    overlap: Overlap = Overlap()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [source.name for source in self.sources]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of sources must differ, found {names}")
        names = [benchmark.name for benchmark in self.benchmarks]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of benchmarks must differ, found {names}")
        return self
