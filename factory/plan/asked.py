"""What each model of a run would write, and what that takes in GPU-hours and money, by the
assumptions of `factory.plan.models`. Nothing of it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from factory.plan.counts import least, times, total
from factory.plan.models import assumed_tokens_per_s, gpus_for
from factory.plan.problems import plan_sources
from factory.plan.rounds import DomainPlan
from schemas.machine import Endpoints, Machine
from schemas.recipe import Recipe
from schemas.row import Row
from schemas.teacher_settings import ImportTeacher, OpenaiTeacher, VllmTeacher

PROMPT_TOKENS: Final = 250
"""Of a prompt on average, for its price."""


class Asked(Row):
    """What one model would write, and what that takes."""

    role: str
    """`teacher`, `rest`, `rewrite`, `judge`, `rater`, or `validate NAME`."""
    model: str
    engine: str
    candidates: int | None
    tokens: int | None
    """Completion tokens that are expected."""
    gpus: int | None
    """GPUs of 80 GB that its weights need; None for endpoints, or where its size is unknown."""
    tokens_per_s: float | None
    """Per GPU; None for endpoints, or where nothing is assumed for such a model."""
    speed_is: str
    gpu_hours: float | None
    cost: float | None
    """In the machine file's currency; None where it names no price."""

    @property
    def draws(self) -> bool:
        """Whether these are the candidates of `generate`."""
        return self.role in ("teacher", "rest")


@dataclass(frozen=True)
class Rates:
    """What turns tokens into hours and money."""

    machine: Machine
    tokens_per_s: float | None
    """Of each model that is served here, per GPU; None: by its size."""

    def asked(
        self, role: str, teacher: VllmTeacher | OpenaiTeacher, candidates: int | None, each: int
    ) -> Asked:
        """What one model takes for so many completions of this length."""
        tokens = times(candidates, each)
        if isinstance(teacher, OpenaiTeacher):
            endpoints = self.machine.serving(role).teacher
            cost = endpoint_cost(endpoints, times(candidates, PROMPT_TOKENS), tokens)
            return Asked(
                role=role,
                model=teacher.model,
                engine=teacher.engine,
                candidates=candidates,
                tokens=tokens,
                gpus=None,
                tokens_per_s=None,
                speed_is="as the endpoints answer",
                gpu_hours=None,
                cost=cost,
            )
        return self.served(role, teacher.model, candidates, tokens)

    def served(self, role: str, model: str, candidates: int | None, tokens: int | None) -> Asked:
        """What a model takes that runs on our own GPUs."""
        speed = self.tokens_per_s or assumed_tokens_per_s(model)
        hours = None if speed is None or tokens is None else tokens / speed / 3600
        said = "given" if self.tokens_per_s else "assumed by size" if speed else "unknown"
        price = self.machine.gpu_price
        return Asked(
            role=role,
            model=model,
            engine="vllm",
            candidates=candidates,
            tokens=tokens,
            gpus=gpus_for(model),
            tokens_per_s=speed,
            speed_is=said,
            gpu_hours=hours,
            cost=None if hours is None or price is None else hours * price,
        )


def endpoint_cost(
    endpoints: Endpoints, prompt_tokens: int | None, completion_tokens: int | None
) -> float | None:
    """What endpoints take for so many tokens; None where they have no price."""
    price = endpoints.completion_price
    if price is None or prompt_tokens is None or completion_tokens is None:
        return None
    return (completion_tokens * price + prompt_tokens * (endpoints.prompt_price or 0.0)) / 1e6


def asked_of(
    recipe: Recipe,
    domains: Sequence[DomainPlan],
    each: int,
    rates: Rates,
) -> list[Asked]:
    """One per model that is asked, in the order of the run; `each` is tokens of a completion."""
    found: list[Asked] = []
    teacher = recipe.generate.teacher
    if not isinstance(teacher, ImportTeacher):
        candidates = total([one.expected for one in domains])
        plain = total([_plain(one) for one in domains])
        rest = recipe.generate.rest
        if rest and rest.teacher and candidates is not None and plain is not None:
            shorter = min(each, recipe.generate.asking(reasoning=False)[1].max_tokens)
            found.append(rates.asked("teacher", teacher, candidates - plain, each))
            found.append(rates.asked("rest", rest.teacher, plain, shorter))
        else:
            found.append(rates.asked("teacher", teacher, candidates, each))
    if recipe.rewrite:
        chosen = recipe.rewrite.domains
        correct = total(
            [
                least(one.correct, times(one.problems, recipe.rewrite.per_problem))
                for one in domains
                if not chosen or one.domain in chosen
            ]
        )
        length = min(each, recipe.rewrite.sampling.max_tokens)
        found.append(rates.asked("rewrite", recipe.rewrite.teacher, correct, length))
    if recipe.validation:
        validation = recipe.validation
        candidates = total(
            [
                times(one.problems, validation.k_of(suite))
                for suite in validation.suites
                for one in plan_sources(suite.sources)
            ]
        )
        most = recipe.validation.sampling.max_tokens
        length = min(each or most, most)
        models = [(one.name, one.base) for one in (recipe.train.students if recipe.train else [])]
        if recipe.validation.teacher and isinstance(teacher, VllmTeacher):
            models.append(("teacher", teacher.model))
        for name, base in models:
            model = base if isinstance(base, str) else "random weights"
            tokens = times(candidates, length)
            found.append(rates.served(f"validate {name}", model, candidates, tokens))
    return found


def _plain(one: DomainPlan) -> int | None:
    return None if one.expected is None else round(one.expected * (1 - one.reasoning_share))
