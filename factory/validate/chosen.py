"""Suites and settings named on the command line -> `[validate]`, and what must be said of it.

Without a recipe the settings are those of the DeepSeek-R1 report (arXiv 2501.12948, B.4.3):
temperature 0.6, top-p 0.95, 32,768 tokens, no system prompt, `<think>\\n` forced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from factory.errors import RecipeError
from factory.recipe_file import given, wrong_fields
from factory.validate.context import Lengths
from schemas.generate_settings import Prompt, Sampling
from schemas.grade_settings import Grade
from schemas.known_suites import KNOWN_SUITES
from schemas.recipe import ValidateRecipe
from schemas.validate_settings import Suite, Validate

THINK: Final = "<think>\n"
R1: Final = Sampling(temperature=0.6, top_p=0.95, max_tokens=32768)
DEFAULT_K: Final = 8
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_OF_THE_HUB: Final = ("dataset", "revision", "config", "split")
_WITHOUT_DATA: Final = ("procedural", "reasoning_gym")


@dataclass(frozen=True)
class Wishes:
    """What the command line sets; None leaves what the recipe has, or the defaults."""

    k: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    think: bool | None = None
    limit: int | None = None
    """Problems of each source."""
    seed: int | None = None
    dtype: str | None = None
    data: Mapping[str, str] = field(default_factory=dict[str, str])
    """Suite -> path of a local copy, or commit of its dataset on the hub."""


@dataclass(frozen=True)
class Chosen:
    """What is measured, and how."""

    name: str
    """Of the recipe; empty without one."""
    validate: Validate
    grade: Grade
    notes: list[str]
    """What a reader of the scores must know; one line each."""


def chosen(
    names: Sequence[str],
    wishes: Wishes,
    recipe: ValidateRecipe | None,
    lengths: Lengths | None,
    *,
    forced: bool,
) -> Chosen:
    """`[validate]` with these suites.

    Args:
        names: Of suites; none: all that the recipe has.
        lengths: Of completion and context; None where nothing is asked.
        forced: Whether a completion's start can be forced.

    Raises:
        RecipeError: A suite is not known, has no data that could be somewhere else, or a setting
            cannot be.
    """
    notes: list[str] = []
    settings: dict[str, Any] = {"k": DEFAULT_K, "sampling": R1, "prompt": Prompt()}
    if forced:
        settings["prompt"] = Prompt(think_prefix=THINK)
    if recipe is not None:
        settings = recipe.validation.model_dump(mode="json")
    settings = {**settings, **_given({"k": wishes.k, "seed": wishes.seed, "dtype": wishes.dtype})}
    sampling = {"temperature": wishes.temperature, "top_p": wishes.top_p}
    if lengths is not None:
        sampling["max_tokens"] = lengths.max_tokens
        settings["max_model_len"] = lengths.max_model_len
        notes += lengths.notes
    elif settings.get("budget") is not None:
        settings["budget"] = None
        notes.append("stored responses are as long as they are; [validate.budget] forces nothing")
    settings["sampling"] = {**Sampling.model_validate(settings["sampling"]).model_dump()} | _given(
        sampling
    )
    settings["prompt"] = _prompt(Prompt.model_validate(settings["prompt"]), wishes, forced, notes)
    if unknown := sorted(wishes.data.keys() - set(names or _of(recipe))):
        raise RecipeError(f"--data: expected suites that are measured, found {unknown}")
    settings["suites"] = [
        _suite(name, wishes, recipe, notes) for name in dict.fromkeys(names or _of(recipe))
    ]
    try:
        validate = Validate.model_validate(settings)
    except ValidationError as error:
        raise RecipeError(f"validation: wrong settings\n{wrong_fields(error)}") from error
    return Chosen(
        recipe.name if recipe else "", validate, recipe.grade if recipe else Grade(), notes
    )


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _of(recipe: ValidateRecipe | None) -> list[str]:
    return [suite.name for suite in recipe.validation.suites] if recipe else []


def _prompt(prompt: Prompt, wishes: Wishes, forced: bool, notes: list[str]) -> Prompt:
    if wishes.think is not None:
        prompt = prompt.model_copy(update={"think_prefix": THINK if wishes.think else ""})
    if prompt.think_prefix and not forced:
        if wishes.think:
            raise RecipeError(
                "--think: expected a model that is served here, found an endpoint; it cannot be "
                "made to begin with <think>"
            )
        notes.append("an endpoint cannot be made to begin with <think>; it begins as it likes")
        prompt = prompt.model_copy(update={"think_prefix": "", "plain_prefix": ""})
    return prompt


def _suite(
    name: str, wishes: Wishes, recipe: ValidateRecipe | None, notes: list[str]
) -> dict[str, Any]:
    if recipe is not None:
        suite = next((one for one in recipe.validation.suites if one.name == name), None)
        known = ", ".join(_of(recipe))
        where = f"of recipe {recipe.name} ({known})"
    else:
        # A large k, so that every metric that is known stands here, and `_with_k` chooses.
        table = {"name": name, "k": 2**20}
        suite = Suite.model_validate(table) if name in KNOWN_SUITES else None
        where = f"that Retort knows ({', '.join(sorted(KNOWN_SUITES))}), or --recipe with its own"
    if suite is None:
        raise RecipeError(f"--suite {name}: expected one {where}, found none of that name")
    k = wishes.k or (DEFAULT_K if recipe is None else None)
    settings = suite.model_dump(mode="json")
    if k is not None:
        settings = _with_k(settings, k, notes if recipe else [])
    if name in wishes.data:
        settings["sources"] = [_at(name, settings["sources"], wishes.data[name])]
    if wishes.limit is not None:
        for source in settings["sources"]:
            source["limit"] = wishes.limit
        notes.append(
            f"suite {name}: at most {wishes.limit:,} problems, drawn by seed; its score is not the "
            f"suite's"
        )
    return settings


def _with_k(suite: dict[str, Any], k: int, notes: list[str]) -> dict[str, Any]:
    """The suite with so many candidates, and the metrics that these allow."""
    beyond = [one for one in suite["metric_k"] if one > k]
    if beyond:
        notes.append(f"suite {suite['name']}: k = {k} is too few for metric_k {beyond}")
    kept = {one for one in suite["metric_k"] if one <= k}
    return {**suite, "k": None, "metric_k": sorted(kept | {1, k})}


def _at(suite: str, sources: list[dict[str, Any]], place: str) -> dict[str, Any]:
    """The suite's source at another place: a path, or a commit of its dataset on the hub."""
    if len(sources) != 1 or sources[0]["kind"] in _WITHOUT_DATA:
        raise RecipeError(
            f"--data {suite}: expected a suite with one source that has data, found "
            f"{[source['kind'] for source in sources]}; change its sources in the recipe"
        )
    (source,) = sources
    if _COMMIT.fullmatch(place) and source.get("dataset"):
        return {**source, "revision": place}
    if not Path(place).exists():
        raise RecipeError(f"--data {suite}={place}: expected a file or folder there, found none")
    kind = "file" if source["kind"] == "hub" else source["kind"]
    kept = {key: value for key, value in source.items() if key not in _OF_THE_HUB}
    return {**kept, "kind": kind, "path": given(f"data/{suite}", Path(place))}
