"""Every shipped recipe parses, and what it hands to vLLM and DeepSpeed is accepted by them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory.errors import RecipeError
from factory.pin.revisions import check_pinned, hub_names
from factory.recipe_file import ROOT, load_machine, load_recipe, load_train_recipe
from schemas.collect_settings import Source
from schemas.problem import Domain
from schemas.recipe import Recipe
from schemas.teacher_settings import VllmTeacher

RECIPES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes").glob("*.toml"))
MACHINES = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes" / "machines").glob("*.toml")
)
OF_THE_HUB = [path for path in RECIPES if hub_names(load_recipe(path))]


@pytest.mark.parametrize("path", RECIPES)
def test_a_shipped_recipe_parses_and_is_named_as_its_file(path: str) -> None:
    assert load_recipe(path).name == Path(path).stem


def test_shipped_recipes_publish_under_different_names() -> None:
    recipes = [load_recipe(path) for path in RECIPES]
    published = [(recipe.shard.name, recipe.shard.version) for recipe in recipes]
    assert len(published) == len(set(published))


@pytest.mark.parametrize("path", MACHINES)
def test_a_shipped_machine_file_parses(path: str) -> None:
    load_machine(path)


@pytest.mark.parametrize("path", OF_THE_HUB)
def test_a_recipe_of_the_hub_is_shipped_without_revisions_and_refused_until_it_is_pinned(
    path: str,
) -> None:
    recipe = load_recipe(path)
    assert {one.revision for one in hub_names(recipe)} == {""}
    with pytest.raises(RecipeError, match="retort pin"):
        check_pinned(recipe)


@pytest.mark.parametrize("path", RECIPES)
def test_no_dataset_of_a_shipped_recipe_forbids_commercial_use(path: str) -> None:
    for source in load_recipe(path).collect.sources:
        assert "NC" not in source.license.upper().split("-"), source.name


def test_the_guide_names_every_dataset_of_the_hub_with_its_licence() -> None:
    rows = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8").splitlines()
    for path in OF_THE_HUB:
        for source in _sources(load_recipe(path)):
            dataset = getattr(source, "dataset", "")
            if source.kind in ("hub", "sft"):
                found = [row for row in rows if row.startswith("|") and dataset in row]
                assert any(source.license in row for row in found), (path, dataset)


def test_r1_distill_asks_for_the_mixture_and_the_students_of_the_report() -> None:
    recipe = load_recipe("recipes/r1-distill.toml")
    table_5 = {"math": 395_285, "code": 211_129, "stem": 10_124, "logic": 10_395}
    passed_through = sum(one.limit or 0 for one in recipe.collect.sources if one.kind == "sft")
    assert recipe.generate.quota == {**table_5, "general": 177_812 - passed_through}
    assert recipe.select.quota == {Domain(name): n for name, n in table_5.items()} | {
        Domain.GENERAL: 177_812
    }
    sampling = recipe.generate.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.6, 0.95, 32_768)
    assert recipe.train
    assert {one.base: one.lr for one in recipe.train.students} == {
        "Qwen/Qwen2.5-Math-1.5B": 1e-4,
        "Qwen/Qwen2.5-Math-7B": 8e-5,
        "Qwen/Qwen2.5-14B": 7e-5,
        "Qwen/Qwen2.5-32B": 6e-5,
        "meta-llama/Llama-3.1-8B": 5e-5,
        "meta-llama/Llama-3.3-70B-Instruct": 2e-5,
    }


def test_the_recipe_for_training_alone_is_enough_for_it() -> None:
    recipe = load_train_recipe("recipes/examples/train-only.toml")
    assert [one.base for one in recipe.train.students] == ["embedded:base-qwen2"]
    with pytest.raises(RecipeError, match=r"collect: missing"):
        load_recipe("recipes/examples/train-only.toml")


def test_every_student_of_a_real_run_has_positions_for_its_documents() -> None:
    recipe = load_recipe("recipes/r1-distill.toml")
    assert recipe.train
    for student in recipe.train.students:
        if "Qwen2.5-Math" in str(student.base):
            assert student.positions
            assert student.positions > recipe.train.max_length_tokens
            assert recipe.validation
            assert student.positions >= recipe.validation.max_model_len


def _sources(recipe: Recipe) -> list[Source]:
    suites = recipe.validation.suites if recipe.validation else []
    return [*recipe.collect.sources, *(one for suite in suites for one in suite.sources)]


VLLM_PROGRAM = """
import sys
from factory.generate.vllm_arguments import _PARSE, vllm_arguments
from factory.models import resolve_model
from factory.pin.revisions import is_hub_name
from factory.recipe_file import load_machine, load_recipe
from schemas.teacher_settings import VllmTeacher
accepted = 0
for path in sys.argv[1:]:
    recipe = load_recipe(path)
    rest, rewrite = recipe.generate.rest, recipe.rewrite
    for one in (recipe.generate.teacher, rest and rest.teacher, rewrite and rewrite.teacher):
        if isinstance(one, VllmTeacher):
            revision = "f" * 40 if is_hub_name(one.model) else one.revision  # as if it were pinned
            model = resolve_model(one.model, revision)
            sys.argv = ["-c", *vllm_arguments(one, load_machine("").vllm, model, cpu=True)]
            exec(_PARSE, {})  # vLLM's parser, imported once for all
            accepted += 1
print("accepted", accepted)
"""


def test_the_vllm_arguments_of_every_recipe_are_accepted_by_vllms_own_parser() -> None:
    _skip_without("vllm")
    served = 0
    for recipe in map(load_recipe, RECIPES):
        rest, rewrite = recipe.generate.rest, recipe.rewrite
        asked = (recipe.generate.teacher, rest and rest.teacher, rewrite and rewrite.teacher)
        served += sum(isinstance(one, VllmTeacher) for one in asked)
    assert f"accepted {served}" in _run(VLLM_PROGRAM, RECIPES)


DEEPSPEED_PROGRAM = """
import sys
from deepspeed.runtime.config import DeepSpeedConfig
from factory.recipe_file import load_recipe
from factory.train.deepspeed_settings import deepspeed_config
for path in sys.argv[1:]:
    DeepSpeedConfig(deepspeed_config(load_recipe(path).train, ranks=1))
print("accepted", len(sys.argv) - 1)
"""


def test_the_deepspeed_configuration_of_every_recipe_is_accepted_by_deepspeed() -> None:
    _skip_without("deepspeed")
    trained = [path for path in RECIPES if load_recipe(path).train is not None]
    assert f"accepted {len(trained)}" in _run(DEEPSPEED_PROGRAM, trained)


def _run(program: str, arguments: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DS_ACCELERATOR": "cpu"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _skip_without(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
