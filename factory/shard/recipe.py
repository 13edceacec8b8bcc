"""`recipe.json`: the part of a recipe that a dataset depends on, so that it can be made again."""

from __future__ import annotations

import json

from factory.digest import digest
from schemas.collect_settings import Source
from schemas.generate_settings import Generate
from schemas.recipe import Recipe
from schemas.validate_settings import Suite, Validate


def dataset_recipe(recipe: Recipe) -> Recipe:
    """The recipe with what decides the dataset, and nothing else: a recipe like any other.

    Left out are the description, `[train]`, the tokens that a plan expects, and of `[validate]`
    everything but the sources of its suites, which the data is compared with; these too where
    nothing is decontaminated. The stages from collect to shard have the same keys under it.
    """
    suites = _suites(recipe)
    used = Validate(suites=suites, teacher=False) if suites else None
    generate = recipe.generate
    if not _has_budget(generate):
        generate = generate.model_copy(update={"expected_tokens": None})
    return recipe.model_copy(
        update={"description": "", "train": None, "validation": used, "generate": generate}
    )


def suites_against(recipe: Recipe) -> list[Source]:
    """The sources of the suites that samples are compared with; none where that is switched off."""
    if recipe.validation is None or not recipe.shard.decontaminate:
        return []
    return [source for suite in recipe.validation.suites for source in suite.sources]


def recipe_bytes(recipe: Recipe) -> bytes:
    """`recipe.json`; `factory.recipe_file.load_recipe` reads it."""
    content = recipe.model_dump(mode="json", by_alias=True)
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def section_digests(recipe: Recipe) -> dict[str, str]:
    """Section of the recipe -> digest of what it says; sections that it has not are left out."""
    content = recipe.model_dump(mode="json", by_alias=True, exclude_none=False)
    left_out = {"name", "description"}
    return {
        name: digest(value)
        for name, value in content.items()
        if name not in left_out and value is not None
    }


def _suites(recipe: Recipe) -> list[Suite]:
    wanted = recipe.collect.decontaminate or recipe.shard.decontaminate
    if recipe.validation is None or not wanted:
        return []
    return [Suite(name=suite.name, sources=suite.sources) for suite in recipe.validation.suites]


def _has_budget(generate: Generate) -> bool:
    return any(
        [generate.budget_tokens, *(rule.budget_tokens for rule in generate.domains.values())]
    )
