"""The card's tables of how the teacher and the judge were asked: from the recipe and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory.grade.judge_agreement import share_text
from factory.shard.card_markdown import Table
from schemas.generate_settings import Generate
from schemas.recipe import Recipe
from schemas.teacher_settings import ImportTeacher, Served


def sampling(generate: Generate) -> Table | None:
    """How answers were drawn; None of imported ones, of which that is not known."""
    if isinstance(generate.teacher, ImportTeacher):
        return None
    sizes = generate.round_sizes or [generate.candidates]
    settings: dict[str, Any] = {
        **generate.sampling.model_dump(),
        "candidates per problem, by round": ", ".join(map(str, sizes)),
        "rounds at most": generate.max_rounds,
        "system prompt": generate.prompt.system or "none",
        "forced start": generate.prompt.think_prefix or "none",
    }
    for domain, template in sorted(generate.prompt.templates.items()):
        settings[f"message for {domain}"] = template
    for domain, rule in sorted(generate.domains.items()):
        if own := rule.round_sizes or ([rule.candidates] if rule.candidates else None):
            settings[f"candidates per problem of {domain}, by round"] = ", ".join(map(str, own))
    if generate.rest is not None:
        _, drawn, prompt = generate.asking(reasoning=False)
        mine = {**drawn.model_dump(), "system prompt": prompt.system or "none"}
        mine["forced start"] = prompt.plain_prefix or "none"
        settings |= {f"{name}, without a chain of thought": mine[name] for name in mine}
    return Table(["setting", "value"], list(settings.items()))


def rewriting(recipe: Recipe) -> Table | None:
    """How accepted traces were written anew; None where they were not."""
    rewrite = recipe.rewrite
    if rewrite is None:
        return None
    settings = {
        "model": _named(rewrite.teacher),
        **rewrite.sampling.model_dump(),
        "system prompt": rewrite.system or "none",
        "message": rewrite.template,
        "at most, per problem": rewrite.per_problem,
    }
    return Table(["setting", "value"], list(settings.items()))


def _named(teacher: Served) -> str:
    return f"{teacher.model}@{teacher.revision}" if teacher.revision else teacher.model


def judge_settings(judge: Mapping[str, Any] | None) -> Table | None:
    """Which model judged, and how; None where none did."""
    if judge is None:
        return None
    names = ("model", "revision", "prompt", "temperature", "max_tokens")
    return Table(["setting", "value"], [(name, f"{judge[name]}") for name in names])


def judge_agreement(judge: Mapping[str, Any] | None) -> Table | None:
    """The judge against labels; None where none were named."""
    if judge is None or "agreement" not in judge:
        return None
    found = judge["agreement"]
    kappa = found["kappa"]
    rows = [
        ("verdicts equal to the label", share_text(found["accuracy"])),
        ("false accepts, of answers labelled wrong", share_text(found["false_accepts"])),
        ("false rejects, of answers labelled right", share_text(found["false_rejects"])),
        ("no reply in form", f"{found['unreadable']:,} of {found['n']:,}"),
        ("Cohen's kappa", "–" if kappa is None else f"{kappa:.2f}"),
    ]
    return Table(["measure", "found (95% interval)"], rows)
