"""The card of a dataset: `data_cards/template.md` filled in from its rows and manifests.

Nothing in it is typed by hand but the template: what a run did not do, the card does not speak of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from factory.recipe_file import ROOT
from factory.shard import card_asking, card_checks, card_rows, card_rules
from factory.shard.card_facts import Facts
from factory.shard.card_markdown import fill_in
from factory.shard.configs import DEFAULT, FOLDERS
from factory.shard.pictures import length_unit
from schemas.licenses import hub_id

TEMPLATE: Final = ROOT / "data_cards" / "template.md"

_TAGS: Final = ["reasoning", "chain-of-thought", "distillation", "synthetic", "sft", "retort"]
_TAGS_OF: Final = {"preference": ["dpo", "preference"], "problems": ["rlvr"]}
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_BEYOND: Final = "10M<n<100M"
_ENGLISH: Final = {
    *("gsm8k", "math", "humaneval", "mbpp", "gpqa", "livecodebench"),
    *("procedural", "reasoning_gym"),
}
"""Kinds of sources whose problems are in English."""


def render_card(facts: Facts) -> str:
    """The card: YAML head and Markdown; equal facts give equal text."""
    return fill_in(TEMPLATE, {**_head(facts), **_body(facts)})


def _head(facts: Facts) -> dict[str, Any]:
    shard, rows = facts.shard, facts.rows
    configs = [one for one in FOLDERS if one in facts.description.configs] or [DEFAULT]
    return {
        "title": shard.title or shard.name,
        "about": facts.description,
        "licenses": sorted(set(map(hub_id, card_rows.licences(facts)))) or ["other"],
        "license_name": shard.license if shard.license and hub_id(shard.license) == "other" else "",
        "languages": _languages(facts),
        "tags": [*_TAGS, *(tag for one in configs for tag in _TAGS_OF.get(one, []))],
        "size": next((name for limit, name in _SIZES if rows.height < limit), _BEYOND),
        "configs": [(name, FOLDERS[name]) for name in configs],
    }


def _languages(facts: Facts) -> list[str]:
    """Empty where it is not known of every source that has rows."""
    kinds = {source.name: source.kind for source in facts.recipe.collect.sources}
    with_rows = set(facts.rows["source"])
    known = with_rows and all(kinds.get(name) in _ENGLISH for name in with_rows)
    return ["en"] if known else []


def _body(facts: Facts) -> dict[str, Any]:
    rows, judge = facts.rows, facts.figure("judge")
    forms = dict(rows.group_by("form").len().sort("form").iter_rows())
    return {
        "recipe": facts.recipe,
        "families": card_rows.families(facts),
        "notes": card_rows.licence_notes(facts),
        "sampling": card_asking.sampling(facts.recipe.generate),
        "rewriting": card_asking.rewriting(facts.recipe),
        "forms": card_rows.counted(rows, "form") if set(forms) - {"completion"} else None,
        "funnel": card_checks.funnel(facts.description.ledger),
        "rules": card_rules.rules(facts),
        "methods": card_rows.counted(rows, "grader", "method"),
        "unproven": set(rows["method"]),
        "verifiers": card_checks.verifiers(rows),
        "unmeasured": card_checks.unmeasured(rows),
        "duplicates": card_checks.duplicates(facts),
        "contamination": card_checks.contamination(facts),
        "pass_rates": card_rows.pass_rates(rows),
        "lengths": card_rows.lengths(rows),
        "unit": length_unit(rows),
        "judge": card_asking.judge_settings(judge),
        "agreement": card_asking.judge_agreement(judge),
        "trainers": _trainers(facts.description.configs),
    }


def _trainers(configs: Iterable[str]) -> list[tuple[str, str]]:
    """(file, what it starts) of the settings that `factory.shard.trainers` writes."""
    from factory.shard.trainers import trainer_files

    return trainer_files(configs)
