"""`[validate]` of a recipe: how students are measured, with the same graders as candidates."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from schemas.collect_settings import Source
from schemas.field_types import Dtype, Positive, Slug
from schemas.generate_settings import Prompt, Sampling
from schemas.known_suites import with_known
from schemas.problem import GraderName
from schemas.row import Settings


class Suite(Settings):
    """`[[validate.suites]]`: one set of held-out problems."""

    name: Slug
    sources: list[Source] = Field(default_factory=list[Source])
    """Empty: the name is one that Retort knows (`schemas.known_suites`), with its sources."""
    path: str = ""
    """Of a suite that is known by name: another file or folder in its shape."""
    dataset: str = ""
    """Of one whose problems are on the hub: a local copy in its shape."""
    revision: str = ""
    """Full commit hash of its dataset on the hub; `retort pin` writes it."""
    template: str = ""
    """Text of the user's message, with `{statement}`; empty: as `[validate.prompt]` has it."""
    k: Positive | None = None
    """Candidates per problem; None: as many as `[validate]` says."""
    metric_k: list[Positive] = Field(default_factory=lambda: [1])
    """Report pass@k for these k; maj@k too for those above 1 where answers can be compared."""

    @model_validator(mode="before")
    @classmethod
    def _takes_what_is_known(cls, data: Any) -> Any:
        return with_known(data) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _template_has_the_statement(self) -> Self:
        if self.template and "{statement}" not in self.template:
            raise ValueError("template must contain {statement}")
        return self

    @model_validator(mode="after")
    def _name_is_free(self) -> Self:
        if self.name == "all":
            raise ValueError("`all` is the name of the overall row; choose another")
        return self

    @model_validator(mode="after")
    def _can_be_failed(self) -> Self:
        for source in self.sources:
            grader = getattr(source, "grader", "")
            if grader in (GraderName.GIVEN, GraderName.MAJORITY):
                raise ValueError(
                    f"suite {self.name}, source {source.name}: the grader `{grader}` measures "
                    f"nothing, because it has no gold; take problems with one, or the grader "
                    f"`judge`"
                )
        return self


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
    n: list[Positive] = Field(default_factory=list[int])
    """Report best@n for these n, each at most `k`; empty: for `k` alone."""
    max_tokens: Positive = 1024
    """Of the judge's answer."""


class BudgetForcing(Settings):
    """`[validate.budget]`: how long a model thinks is forced (Muennighoff et al. 2025, s1,
    arXiv 2501.19393, section 3.1). At least one of both is given."""

    max_thinking_tokens: Positive | None = None
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


class Validate(Settings):
    """`[validate]`: how students are measured; same graders as rejection sampling."""

    suites: list[Suite] = Field(min_length=1)
    k: Positive = 8
    """Candidates per problem."""
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=32768)
    prompt: Prompt = Prompt()
    seed: int = 0
    max_model_len: Positive = 32768
    dtype: Dtype = "auto"
    """What the models compute in; `auto` takes what their weights are stored in."""
    teacher: bool = True
    """Measure the teacher too; not possible for imported generations."""
    best_of: BestOf | None = None
    """Report best@n too; None: no other model is asked."""
    budget: BudgetForcing | None = None
    """Force how long a model thinks; None: as long as it likes."""

    def k_of(self, suite: Suite) -> int:
        """Candidates per problem of a suite."""
        return suite.k or self.k

    @model_validator(mode="after")
    def _an_answer_has_room(self) -> Self:
        cap = self.budget and self.budget.max_thinking_tokens
        if cap and cap >= self.sampling.max_tokens:
            raise ValueError(
                f"budget.max_thinking_tokens must be below sampling.max_tokens, which is "
                f"{self.sampling.max_tokens}: else nothing is left for an answer"
            )
        return self

    @model_validator(mode="after")
    def _k_is_enough(self) -> Self:
        for suite in self.suites:
            most = self.k_of(suite)
            if max(suite.metric_k) > most:
                raise ValueError(f"suite {suite.name}: metric_k exceeds k = {most}")
            if self.best_of and max(self.best_of.n, default=1) > most:
                raise ValueError(f"suite {suite.name}: best_of.n exceeds k = {most}")
        names = [suite.name for suite in self.suites]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of suites must differ, found {names}")
        return self
