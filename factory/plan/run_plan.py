"""What a run of a recipe would do, without starting it: candidates, tokens, GPU-hours, disk, cost.

Counts come from the recipe. Speeds, sizes and the accept rate are assumptions (`plan_models`,
`plan_work`, `plan_judge`, and here), named in the plan; nothing of it is measured. Problems that
are rejected, dropped as duplicates or contaminated are still in the counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.plan.asked import Asked, Rates, asked_of
from factory.plan.counts import least, times, total, total_amount
from factory.plan.judge import judge_of, rater_of
from factory.plan.problems import SourcePlan, plan_sources
from factory.plan.rounds import DomainPlan, plan_domains
from factory.plan.work import Taught, disk_of, taught_of
from schemas.machine import Machine
from schemas.problem import Domain
from schemas.recipe import Recipe
from schemas.row import Row
from schemas.teacher_settings import ImportTeacher

ACCEPT_RATE: Final = 0.5
"""Correct candidates among those drawn."""


class Plan(Row):
    """What a run would do. None stands for what cannot be known before it starts."""

    recipe: str
    description: str
    sources: list[SourcePlan]
    domains: list[DomainPlan]
    imported: bool
    """Generations exist already: nothing is drawn."""
    max_rounds: int
    first_round: int | None
    expected_candidates: int | None
    most_candidates: int | None
    tokens_per_candidate: int
    tokens_per_candidate_is: str
    """`generate.expected_tokens`, or `max_tokens`."""
    expected_tokens: int | None
    most_tokens: int | None
    budget_tokens: int | None
    judged: bool
    """Some answers are decided by a model."""
    samples: int | None
    """Rows of the dataset that are expected, before near-duplicates leave."""
    asked: list[Asked]
    taught: list[Taught]
    disk_bytes: dict[str, float]
    gpu_hours: float | None
    cost: float | None
    accept_rate: float
    unknown: list[str]
    """Why a figure is missing."""


def plan_of(
    recipe: Recipe,
    machine: Machine,
    *,
    tokens_per_s: float | None = None,
    accept_rate: float = ACCEPT_RATE,
) -> Plan:
    """The plan of a recipe on this machine file.

    Args:
        tokens_per_s: Of each model that is served here, per GPU; None: by its size.
        accept_rate: Share of candidates that will be correct.

    Raises:
        SourceError: A local file cannot be counted.
    """
    generate = recipe.generate
    imported = isinstance(generate.teacher, ImportTeacher)
    sources = plan_sources(recipe.collect.sources)
    domains = [] if imported else plan_domains(sources, generate, accept_rate)
    each = generate.expected_tokens or max((one.longest_tokens for one in domains), default=0)
    domains = _within(domains, generate.budget_tokens, each)
    expected = total(one.expected for one in domains) if domains else None
    samples = _samples(recipe, sources, domains)
    asked = asked_of(recipe, domains, each, Rates(machine, tokens_per_s))
    validated = [one for one in asked if one.role.startswith("validate ")]
    asked += judge_of(recipe, sources, domains, machine)
    asked += rater_of(recipe, validated, machine)
    taught = taught_of(recipe.train, samples, each, machine.gpu_price)
    return Plan(
        recipe=recipe.name,
        description=recipe.description,
        sources=sources,
        domains=domains,
        imported=imported,
        max_rounds=generate.max_rounds,
        first_round=total(one.first_round for one in domains) if domains else None,
        expected_candidates=expected,
        most_candidates=total(one.most for one in domains) if domains else None,
        tokens_per_candidate=each,
        tokens_per_candidate_is=(
            "generate.expected_tokens" if generate.expected_tokens else "max_tokens"
        ),
        expected_tokens=None if imported else total(one.tokens for one in asked if one.draws),
        most_tokens=_most_tokens(domains, generate.budget_tokens),
        budget_tokens=generate.budget_tokens,
        judged=any(one.judged for one in sources),
        samples=samples,
        asked=asked,
        taught=taught,
        disk_bytes=disk_of(recipe, asked, samples, each),
        gpu_hours=total_amount(one.gpu_hours for one in [*asked, *taught] if not _elsewhere(one)),
        cost=total_amount(one.cost for one in [*asked, *taught]),
        accept_rate=accept_rate,
        unknown=_unknown(sources, asked, taught),
    )


def _within(domains: list[DomainPlan], budget: int | None, each: int) -> list[DomainPlan]:
    """The domains with what a budget for all of them leaves to each, in equal shares."""
    expected = total(one.expected for one in domains)
    if budget is None or not expected or expected * each <= budget:
        return domains
    share = budget / (expected * each)
    return [
        one.model_copy(
            update={
                "expected": int((one.expected or 0) * share),
                "correct": int((one.correct or 0) * share),
            }
        )
        for one in domains
    ]


def _samples(
    recipe: Recipe, sources: Sequence[SourcePlan], domains: Sequence[DomainPlan]
) -> int | None:
    """Of each domain what the rounds and the conversations that are passed through give, within
    its quota; unknown where generations exist already."""
    if not domains and any(one.drawn for one in sources):
        return None
    counts: dict[Domain, int | None] = {
        one.domain: least(one.correct, times(one.problems, recipe.select.per_problem))
        for one in domains
    }
    for one in sources:
        if not one.drawn:
            counts[one.domain] = total([counts.get(one.domain, 0), one.problems])
    quota = recipe.select.quota
    return total(least(count, quota.get(domain)) for domain, count in counts.items())


def _most_tokens(domains: Sequence[DomainPlan], budget: int | None) -> int | None:
    each = [least(times(one.most, one.longest_tokens), one.budget_tokens) for one in domains]
    return least(total(each) if domains else None, budget)


def _unknown(
    sources: Sequence[SourcePlan], asked: Sequence[Asked], taught: Sequence[Taught]
) -> list[str]:
    found = [
        f"source {one.name}: how many problems it has" for one in sources if one.problems is None
    ]
    models = {one.model for one in asked if one.speed_is == "unknown"}
    models |= {one.base for one in taught if one.tokens_per_s is None}
    return found + [f"model {name}: its name says no size" for name in sorted(models)]


def _elsewhere(one: Asked | Taught) -> bool:
    return isinstance(one, Asked) and one.engine != "vllm"
