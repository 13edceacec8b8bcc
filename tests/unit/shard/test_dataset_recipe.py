"""`recipe.json`: what a dataset depends on, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.errors import RecipeError
from factory.recipe_file import load_recipe
from factory.shard.recipe import dataset_recipe, recipe_bytes
from pipelines.data import BuildShards
from schemas.machine import Machine
from schemas.recipe import Recipe

RECIPES = ["import-tiny", "tiny", "demo"]


def keys(recipe: Recipe) -> dict[str, str]:
    shards = BuildShards(recipe=recipe, machine=Machine())
    return {name: stage.key for name, stage in shards.upstream().items()} | {"shard": shards.key}


@pytest.mark.parametrize("name", RECIPES)
def test_it_is_a_recipe_with_the_same_keys(tmp_path: Path, name: str) -> None:
    recipe = load_recipe(f"recipes/{name}.toml")
    file = tmp_path / "recipe.json"
    file.write_bytes(recipe_bytes(dataset_recipe(recipe)))
    again = load_recipe(str(file))
    assert again == dataset_recipe(recipe) == dataset_recipe(again)
    assert (again.train, again.description) == (None, "")
    assert keys(again) == keys(recipe)


def changed(recipe: Recipe, section: str, **values: Any) -> Recipe:
    content = recipe.model_dump(mode="json", by_alias=True)
    content[section] = content[section] | values
    return Recipe.model_validate(content)


def test_only_what_the_dataset_depends_on_makes_it_anew() -> None:
    recipe = load_recipe("recipes/import-tiny.toml")
    assert recipe.train is not None
    assert recipe.validation is not None
    before = keys(recipe)["shard"]
    others = [
        changed(recipe, "train", batch_tokens=1024),
        changed(recipe, "validate", k=4, max_model_len=99),
        changed(recipe, "generate", expected_tokens=5),
        recipe.model_copy(update={"description": "Other words."}),
    ]
    assert {keys(one)["shard"] for one in others} == {before}
    suites = recipe.validation.model_dump(mode="json")["suites"]
    suites[0]["sources"][0]["count"] = 9
    needed = [
        changed(recipe, "validate", suites=suites),
        changed(recipe, "shard", keep="longest"),
        changed(recipe, "shard", near={"threshold": 0.9}),
        changed(recipe, "collect", overlap={"words": 10}),
        changed(recipe, "collect", benchmarks=[BENCHMARK]),
    ]
    assert len({keys(one)["shard"] for one in needed} | {before}) == len(needed) + 1


BENCHMARK = {"name": "b", "path": "recipes/examples/generations.jsonl", "columns": ["problem"]}


def test_suites_count_only_where_something_is_compared_with_them() -> None:
    recipe = load_recipe("recipes/import-tiny.toml")
    alone = changed(changed(recipe, "shard", decontaminate=False), "collect", decontaminate=False)
    assert dataset_recipe(alone).validation is None
    assert keys(dataset_recipe(alone)) == keys(alone)
    both = dataset_recipe(recipe).validation
    assert both is not None
    assert recipe.validation is not None
    assert [one.sources for one in both.suites] == [one.sources for one in recipe.validation.suites]


def test_a_json_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text("name = 1")
    with pytest.raises(RecipeError, match="not valid JSON"):
        load_recipe(str(file))
