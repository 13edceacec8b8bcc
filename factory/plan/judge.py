"""What the judge of a run is asked, and what that costs where its endpoints have a price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.plan.asked import Asked, endpoint_cost
from factory.plan.counts import least, times, total
from factory.plan.problems import SourcePlan
from factory.plan.rounds import DomainPlan
from schemas.machine import Endpoints, Machine
from schemas.recipe import Recipe

PROMPT_TOKENS: Final = 1_000
"""Of a question: the rules, the problem, the reference and the answer without its reasoning."""
REPLY_TOKENS: Final = 60
"""A sentence and the verdict; a judge that thinks writes more."""


def judge_of(
    recipe: Recipe,
    sources: Sequence[SourcePlan],
    domains: Sequence[DomainPlan],
    machine: Machine,
) -> list[Asked]:
    """What the judge takes, as an entry of its own; none where no source names it.

    Each candidate of its problems is a question, so is each rewritten form of a correct one, and
    each conversation that is passed through and judged. Labels are not counted.
    """
    if not any(one.judged for one in sources):
        return []
    questions = [one.problems for one in sources if one.judged and not one.drawn]
    if not domains and any(one.judged and one.drawn for one in sources):
        questions.append(None)  # on generations that exist already
    for one in domains:
        questions.append(_share(one.expected, one.judged_share))
        if recipe.rewrite and one.domain in (recipe.rewrite.domains or [one.domain]):
            forms = least(one.correct, times(one.problems, recipe.rewrite.per_problem))
            questions.append(_share(forms, one.judged_share))
    asked = total(questions)
    tokens = times(asked, REPLY_TOKENS)
    model = recipe.grade.judge.model or "not named"
    return [_asked("judge", model, "openai", asked, tokens, machine.judge)]


def rater_of(recipe: Recipe, validated: Sequence[Asked], machine: Machine) -> list[Asked]:
    """What the model of `[validate.best_of]` takes: a question per candidate of each model that
    is validated; none where no other model rates them."""
    if recipe.validation is None or (best_of := recipe.validation.best_of) is None:
        return []
    judged = best_of.by == "judge"
    asked = total([one.candidates for one in validated])
    tokens = times(asked, REPLY_TOKENS if judged else 0)
    endpoints = machine.judge if judged else machine.reward
    engine = "openai" if judged else "pooling"
    return [_asked("rater", best_of.model, engine, asked, tokens, endpoints)]


def _asked(
    role: str,
    model: str,
    engine: str,
    asked: int | None,
    tokens: int | None,
    endpoints: Endpoints,
) -> Asked:
    """A question per candidate to a model behind endpoints."""
    return Asked(
        role=role,
        model=model,
        engine=engine,
        candidates=asked,
        tokens=tokens,
        gpus=None,
        tokens_per_s=None,
        speed_is="as the endpoints answer",
        gpu_hours=None,
        cost=endpoint_cost(endpoints, times(asked, PROMPT_TOKENS), tokens),
    )


def _share(count: int | None, share: float) -> int | None:
    if share == 0:
        return 0
    return None if count is None else round(count * share)
