"""The tables of a recipe that make a dataset of verdicts: benchmarks, `[select]` and `[shard]`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.row import Settings

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]
Quota = Annotated[str, Field(pattern=r"^(math|code|stem|logic|general)(/.+)?$")]
"""A domain, or one of its categories: `math`, `math/Algebra`."""


# ------------------------------------------------------------------------------------ benchmarks


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


# ------------------------------------------------------------------------------------- selection


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


# --------------------------------------------------------------------------------------- dataset


class NearDuplicates(Settings):
    """`[shard.near]`: which texts are near duplicates."""

    threshold: Annotated[float, Field(ge=0.3, le=1.0)] = 0.8
    """Jaccard similarity of the sets of word n-grams, at least."""
    words: Annotated[int, Field(ge=1, le=32)] = 5
    """Words of an n-gram."""


Use = Literal["research", "commercial"]


class Shard(Settings):
    """`[shard]`: the dataset that is published."""

    name: Slug
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: str = ""
    license: str = ""
    """Of the dataset as a whole, an SPDX identifier; empty: those of its rows."""
    use: Use = "research"
    """What the dataset is published for; a licence of a row or a model that forbids it stops the
    run."""
    model_licenses: dict[str, str] = Field(default_factory=dict)
    """Licence that governs what a teacher wrote, by the teacher's name without revision."""
    dedupe: Literal["near", "exact", "none"] = "near"
    """`exact`: samples whose normalised conversations are equal; `near`: near duplicates too,
    within a problem and across."""
    near: NearDuplicates = NearDuplicates()
    keep: Literal["shortest", "longest"] = "shortest"
    """Which row of a cluster of duplicates stays; the smallest uuid where several are as long."""
    decontaminate: bool = True
    """Compare the samples with the benchmarks of `[collect]` and the suites of `[validate]`."""
    contaminated: Literal["drop", "mark"] = "drop"
    """What becomes of a sample that overlaps; a marked one has its evidence in `contamination`."""
    configs: list[Literal["reasoning_content", "preference", "problems"]] = Field(
        default_factory=lambda: ["reasoning_content"]
    )
    """What is published beside the default config: the same rows with the reasoning in a field of
    its own; pairs of accepted and rejected answers; problems with gold and pass rate."""
    shard_bytes: Positive = 200_000_000
    """Aimed size of a Parquet shard before compression."""
