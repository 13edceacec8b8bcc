"""What the models of a run take: tokens, GPU-hours, money and disk, by the assumptions of
`plan_models` and the constants here. Nothing of it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from factory.plan.counts import least, times, total
from factory.plan.models import assumed_tokens_per_s, gpus_for, size_of, train_tokens_per_s
from factory.plan.problems import plan_sources
from factory.plan.rounds import DomainPlan
from schemas.machine import Endpoints, Machine
from schemas.recipe import Recipe
from schemas.row import Row
from schemas.teacher_settings import ImportTeacher, OpenaiTeacher, VllmTeacher
from schemas.train_settings import Train

PROMPT_TOKENS: Final = 250
"""Of a prompt on average, for its price."""
STORED_BYTES_PER_TOKEN: Final = 3.6
"""Four bytes of text, compressed to 45%, in the store and once more in the parts."""
CHECKPOINT_BYTES_PER_PARAMETER: Final = 14
"""Weights in 16 bits, a copy in 32 bits and two moments of AdamW."""


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


class Taught(Row):
    """What the training of one student takes."""

    student: str
    base: str
    tokens: int | None
    """Over all epochs, prompts left out."""
    tokens_per_s: float | None
    gpu_hours: float | None
    cost: float | None


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


def taught_of(
    train: Train | None, samples: int | None, each: int, price: float | None
) -> list[Taught]:
    found: list[Taught] = []
    for student in train.students if train else []:
        assert train
        base = student.base if isinstance(student.base, str) else "random weights"
        tokens = times(samples, min(each, train.max_length_tokens) * student.epochs) or None
        speed = train_tokens_per_s(base, recomputes=train.gradient_checkpointing)
        hours = None if speed is None or tokens is None else tokens / speed / 3600
        found.append(
            Taught(
                student=student.name,
                base=base,
                tokens=tokens,
                tokens_per_s=speed,
                gpu_hours=hours,
                cost=None if hours is None or price is None else hours * price,
            )
        )
    return found


def disk_of(
    recipe: Recipe, asked: Sequence[Asked], samples: int | None, each: int
) -> dict[str, float]:
    """Bytes by what takes them; what is unknown is left out."""
    found: dict[str, float] = {}
    drawn = total([one.tokens for one in asked if one.draws or one.role == "rewrite"])
    if drawn:
        found["candidates"] = drawn * STORED_BYTES_PER_TOKEN
    if samples and each:
        found["dataset"] = samples * each * STORED_BYTES_PER_TOKEN
    names = {one.model for one in asked if one.engine == "vllm"}
    sizes = [size.weight_bytes for name in sorted(names) if (size := size_of(name))]
    if sizes:
        found["weights of models"] = sum(sizes)
    students = [
        size.parameters
        for student in (recipe.train.students if recipe.train else [])
        if isinstance(student.base, str) and (size := size_of(student.base))
    ]
    if students:
        found["students"] = sum(students) * 2 + max(students) * CHECKPOINT_BYTES_PER_PARAMETER
    return found
