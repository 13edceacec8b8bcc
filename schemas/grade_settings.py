"""`[grade]` of a recipe: how verdicts are reached, a table for each grader that has settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from schemas.field_types import Positive
from schemas.math_policy import MathPolicy
from schemas.problem import GraderName
from schemas.row import Settings

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class GradeMath(Settings):
    """`[grade.math]`: limits of one symbolic comparison, and what it takes for equal."""

    deadline_s: Annotated[float, Field(gt=0)] = 5.0
    memory_bytes: Positive = 1024 * 1024 * 1024
    policy: MathPolicy = MathPolicy()


class GradeCode(Settings):
    """`[grade.code]`: limits of one program over all its cases."""

    wall_s: Annotated[float, Field(gt=0)] = 10.0
    cpu_s: Annotated[float, Field(gt=0)] = 5.0
    memory_bytes: Positive = 256 * 1024 * 1024
    output_bytes: Positive = 1024 * 1024


class GradeNumber(Settings):
    """`[grade.number]`: how far a number may be from its gold. The wider tolerance decides; a gold
    with its own (`3.14 ± 0.01`) takes neither."""

    absolute: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    relative: Annotated[float, Field(ge=0.0, lt=1.0)] = 1e-6
    """As a share of the gold."""
    percent: Literal["value", "either"] = "value"
    """`value`: 50% is 0.5; `either`: a percent sign that one side lacks may be missing, so that
    50 is right too."""


class GradeFormat(Settings):
    """`[grade.format]`: what counts as the one final answer after the reasoning."""

    answer: Literal["boxed", "stated", "text"] = "boxed"
    """`boxed`: one `\\boxed`; `stated`: one statement (`The answer is …`, `Answer: …`, `#### 5`);
    `text`: any text."""


class GradeLanguage(Settings):
    """`[grade.language]`: when a text is in a language. Shares are of its words."""

    min_share: Annotated[float, Field(gt=0.5, le=1.0)] = 0.9
    """At least so much is in the wanted languages together."""
    min_mixed_share: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.1
    """At least so much is in each language of a wanted mixture (`en+ko`)."""


class GradeProcedural(Settings):
    """`[grade.procedural]`: the scorers of reasoning-gym, and limits of one score."""

    version: str = "0.1.19"
    """Of reasoning-gym; the image must hold the same."""
    min_score: Share = 1.0
    """Scores below it are incorrect; the scorers give partial credit."""
    wall_s: Annotated[float, Field(gt=0)] = 20.0
    cpu_s: Annotated[float, Field(gt=0)] = 10.0
    memory_bytes: Annotated[int, Field(ge=1)] = 768 * 1024 * 1024


class GradeJudge(Settings):
    """`[grade.judge]`: a model that grades answers which rules cannot. Its addresses are in the
    machine file, `[judge]`."""

    model: str = ""
    """Name under which the endpoint serves it; needed where a problem asks for the judge."""
    revision: str = ""
    """The user's own word for the version that is served; it enters the key."""
    prompt: Literal["reference-1", "quality-1"] = "reference-1"
    """`reference-1` shows the gold answer; `quality-1` asks whether the answer serves the prompt.
    A problem without a gold is always judged by `quality-1`."""
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 0.0
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    labels: str = ""
    """JSONL of answers labelled by people (docs/judge.md); the judge's agreement with them is
    measured and goes into the card."""


class GradeMajority(Settings):
    """`[grade.majority]`: the answer of problems without a gold, by vote of their candidates."""

    min_agreement: Annotated[float, Field(gt=0.5, le=1.0)] = 0.7
    """Share of the votes that the most frequent answer must have."""
    min_votes: Annotated[int, Field(ge=2)] = 4
    """Candidates with a readable answer that a vote needs."""


class Grade(Settings):
    """`[grade]`: how verdicts are reached."""

    math: GradeMath = GradeMath()
    code: GradeCode = GradeCode()
    number: GradeNumber = GradeNumber()
    format: GradeFormat = GradeFormat()
    language: GradeLanguage = GradeLanguage()
    procedural: GradeProcedural = GradeProcedural()
    judge: GradeJudge = GradeJudge()
    majority: GradeMajority = GradeMajority()
    extra: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """`[grade.extra.NAME]`: settings of a grader from another package, handed to it as they are."""

    @field_validator("extra")
    @classmethod
    def _our_own_have_their_tables(
        cls, extra: dict[str, dict[str, JsonValue]]
    ) -> dict[str, dict[str, JsonValue]]:
        for name in extra:
            if name in set(GraderName):
                raise ValueError(
                    f"{name} is a grader of Retort; its settings, where it has any, are in "
                    f"[grade.{name}]"
                )
        return extra
