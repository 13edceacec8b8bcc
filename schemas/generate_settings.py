"""`[generate]` and `[rewrite]` of a recipe: who answers, how often, and how it is asked."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from schemas.field_types import Positive, Quota
from schemas.problem import Domain
from schemas.row import Settings
from schemas.teacher_settings import ImportTeacher, Served, Teacher


class Sampling(Settings):
    """How tokens are drawn."""

    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    top_k: int = -1
    """-1 switches it off."""
    max_tokens: Positive = 1024
    """Completion limit in tokens."""


class Prompt(Settings):
    """How a problem becomes messages."""

    system: str = ""
    """Empty: no system message."""
    templates: dict[Domain, str] = Field(default_factory=dict)
    """Text of the user's message per domain, with `{statement}`; default: the statement alone."""
    think_prefix: str = ""
    """Forced start of the completion for reasoning problems, e.g. `<think>\\n`; where the chat
    template already ends with it, it is not repeated."""
    plain_prefix: str = ""
    """Forced start for problems without a chain of thought, e.g. `<think>\\n\\n</think>\\n\\n`
    for a model that would think by itself."""
    template_args: dict[str, JsonValue] = Field(default_factory=dict)
    """Further arguments of the model's chat template, e.g. `{ enable_thinking = false }`."""

    @field_validator("template_args")
    @classmethod
    def _none_that_retort_sets(cls, args: dict[str, JsonValue]) -> dict[str, JsonValue]:
        ours = {"messages", "tools", "documents", "add_generation_prompt"}
        if taken := sorted(ours & args.keys()):
            raise ValueError(f"{taken} are set by Retort; leave them out")
        return args

    @model_validator(mode="after")
    def _templates_have_the_statement(self) -> Self:
        for domain, template in self.templates.items():
            if "{statement}" not in template:
                raise ValueError(f"templates.{domain} must contain {{statement}}")
        return self


class Rest(Settings):
    """`[generate.rest]`: who answers problems without a chain of thought, and how. What is left
    out is as in `[generate]`."""

    teacher: Served | None = None
    sampling: Sampling | None = None
    prompt: Prompt | None = None


class RoundRule(Settings):
    """`[generate.domains.NAME]`: round sizes and stop rules of one domain. What is left out is as
    in `[generate]`."""

    candidates: Positive | None = None
    round_sizes: list[Positive] | None = None
    accepted_wanted: Positive | None = None
    give_up_after: Positive | None = None
    budget_tokens: Positive | None = None


class Generate(Settings):
    """`[generate]`: who answers, how often and how."""

    teacher: Teacher
    sampling: Sampling = Sampling()
    prompt: Prompt = Prompt()
    rest: Rest | None = None
    candidates: Positive = 8
    """Candidates per problem in each round."""
    round_sizes: list[Positive] = Field(default_factory=list)
    """Candidates per problem in round 1, 2, …, the last number for all later ones; empty:
    `candidates` in each. In later rounds the most that a problem gets."""
    max_rounds: Annotated[int, Field(ge=1, le=20)] = 1
    accepted_wanted: Positive = 1
    """Later rounds draw only for problems with fewer correct candidates than this."""
    give_up_after: Positive = 64
    """Later rounds draw no more for a problem without a correct one in this many candidates."""
    adapt: bool = True
    """In later rounds ask for as many candidates as a problem's own pass rate makes likely to be
    needed, up to the size of the round; false: for the whole size."""
    domains: dict[Domain, RoundRule] = Field(default_factory=dict)
    quota: dict[Quota, Positive] = Field(default_factory=dict)
    """Correct candidates wanted per domain or category, each problem counted up to
    `accepted_wanted`; problems are opened round by round until they are there."""
    budget_tokens: Positive | None = None
    """Completion tokens that all rounds may take together."""
    expected_tokens: Positive | None = None
    """Tokens of a completion on average, for `retort plan` and for a budget while none is known;
    None: `max_tokens`."""

    @model_validator(mode="after")
    def _rest_is_asked(self) -> Self:
        if self.rest and isinstance(self.teacher, ImportTeacher):
            raise ValueError("generate.rest must be left out for imported generations")
        return self

    def asking(self, *, reasoning: bool) -> tuple[Teacher, Sampling, Prompt]:
        """Who answers a problem with or without a chain of thought, and how it is asked."""
        rest = Rest() if reasoning or self.rest is None else self.rest
        return (
            rest.teacher or self.teacher,
            rest.sampling or self.sampling,
            rest.prompt or self.prompt,
        )


class Rewrite(Settings):
    """`[rewrite]`: another model writes accepted traces anew in one format, as Sky-T1 did. They
    are graded again, and take the place of what they were made from."""

    teacher: Served
    sampling: Sampling = Sampling(temperature=0.0)
    system: str = ""
    template: str
    """The user's message, with `{statement}` and `{response}`."""
    per_problem: Positive = 4
    """At most so many correct candidates of a problem are rewritten, drawn by seed."""
    domains: list[Domain] = Field(default_factory=list)
    """Only problems of these; empty: of all."""

    @model_validator(mode="after")
    def _template_has_both(self) -> Self:
        for name in ("{statement}", "{response}"):
            if name not in self.template:
                raise ValueError(f"template must contain {name}")
        return self
