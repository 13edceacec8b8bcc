"""factory.licences: a licence that forbids the use stops a run, with the rows named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from factory.errors import RecipeError
from factory.licences import check_licences, check_row_licences
from factory.preflight import check_needs
from factory.recipe_file import ROOT, load_recipe
from schemas.generate_settings import Rewrite
from schemas.machine import Machine
from schemas.recipe import Recipe
from schemas.shard_settings import Shard

RECIPES = sorted(path for path in (ROOT / "recipes").glob("*.toml"))


def recipe(of_source: str = "MIT", **shard: Any) -> Recipe:
    """One file of problems, answered by `some/teacher`."""
    return Recipe.model_validate(
        {
            "name": "unit",
            "collect": {
                "sources": [
                    {"name": "books", "kind": "math", "path": "x", "license": of_source},
                ]
            },
            "generate": {"teacher": {"engine": "openai", "model": "some/teacher", "revision": "1"}},
            "shard": {"name": "unit-set", "version": "1.0.0", **shard},
        }
    )


def sft(model: str, **shard: Any) -> Recipe:
    one = {"name": "talk", "kind": "sft", "path": "x", "license": "MIT", "model": model}
    return Recipe.model_validate(
        recipe(**shard).model_dump(by_alias=True) | {"collect": {"sources": [one]}}
    )


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_are_there_may_publish_what_they_make(path: Path) -> None:
    check_licences(load_recipe(str(path)))


def test_a_forbidden_use_names_source_licence_and_teacher() -> None:
    check_licences(recipe("CC-BY-NC-4.0"))
    with pytest.raises(
        RecipeError,
        match=r"rows of books \(CC-BY-NC-4\.0\) by some/teacher: .*'commercial'.*non-commercial",
    ):
        check_licences(recipe("CC-BY-NC-4.0", use="commercial"))


def test_a_teacher_whose_output_may_train_no_other_model_is_refused_for_any_use() -> None:
    with pytest.raises(RecipeError, match=r"licence of the teacher .* found 'llama3'"):
        check_licences(recipe(model_licenses={"some/teacher": "llama3"}))
    check_licences(recipe(model_licenses={"other/teacher": "llama3"}))


def test_an_unknown_licence_passes_for_research_alone() -> None:
    check_licences(recipe("ask the authors"))
    with pytest.raises(RecipeError, match=r"known licence of the source .*state the source's"):
        check_licences(recipe("ask the authors", use="commercial"))
    with pytest.raises(RecipeError, match=r"known licence of the teacher .*model_licenses"):
        check_licences(recipe("MIT", use="commercial"))
    check_licences(recipe(use="commercial", model_licenses={"some/teacher": "MIT"}))


def test_a_dataset_may_not_be_freer_than_its_rows() -> None:
    with pytest.raises(RecipeError, match=r"\[shard\] license that keeps .*CC-BY-SA-3\.0 or"):
        check_licences(recipe("CC-BY-SA-3.0", license="MIT"))
    check_licences(recipe("CC-BY-SA-3.0", license="CC-BY-SA-4.0"))
    check_licences(recipe("CC-BY-SA-3.0"))


def test_answers_that_came_with_their_prompts_have_the_licence_of_their_source() -> None:
    check_licences(sft("", use="commercial"))
    with pytest.raises(RecipeError, match=r"rows of talk .* by gpt"):
        check_licences(sft("gpt", use="commercial", model_licenses={"gpt": "openai-terms"}))


def test_who_rewrites_is_a_teacher_too() -> None:
    teacher = {"engine": "openai", "model": "re/writer", "revision": "1"}
    rewrite = Rewrite.model_validate({"teacher": teacher, "template": "{statement}{response}"})
    one = recipe(model_licenses={"re/writer": "tongyi-qianwen"})
    check_licences(one)
    with pytest.raises(RecipeError, match="by re/writer"):
        check_licences(one.model_copy(update={"rewrite": rewrite}))


def test_a_run_is_stopped_before_any_work() -> None:
    with pytest.raises(RecipeError, match="rows of books"):
        check_needs(recipe("CC-BY-ND-4.0"), Machine(), {"ShardSamples"})


def test_rows_are_checked_by_what_stands_in_them() -> None:
    rows = pl.DataFrame(
        {
            "source": ["a", "b"],
            "license": ["MIT", "CC-BY-NC-4.0"],
            "generation_model": ["embedded:teacher@0123", "some/teacher@1"],
        }
    )
    shard = Shard(name="s", version="1.0.0", model_licenses={"some/teacher": "MIT"})
    check_row_licences(rows, shard)
    commercial = shard.model_copy(update={"use": "commercial"})
    check_row_licences(rows[:1], commercial)
    with pytest.raises(RecipeError, match=r"rows of b \(CC-BY-NC-4\.0\) by some/teacher"):
        check_row_licences(rows, commercial)
