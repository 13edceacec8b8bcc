"""Every shipped recipe parses, and what it hands to vLLM and DeepSpeed is accepted by them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory.recipe_file import ROOT, load_recipe
from schemas.recipe import VllmTeacher

RECIPES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES)
def test_a_shipped_recipe_parses_and_is_named_as_its_file(path: str) -> None:
    assert load_recipe(path).name == Path(path).stem


def test_shipped_recipes_publish_under_different_names() -> None:
    recipes = [load_recipe(path) for path in RECIPES]
    published = [(recipe.shard.name, recipe.shard.version) for recipe in recipes]
    assert len(published) == len(set(published))


VLLM_PROGRAM = """
import sys
from factory.generate.vllm_arguments import check_vllm_arguments, vllm_arguments
from factory.models import resolve_model
from factory.recipe_file import load_machine, load_recipe
for path in sys.argv[1:]:
    teacher = load_recipe(path).generate.teacher
    model = resolve_model(teacher.model, teacher.revision)
    check_vllm_arguments(vllm_arguments(teacher, load_machine("").vllm, model, cpu=True))
print("accepted", len(sys.argv) - 1)
"""


def test_the_vllm_arguments_of_every_recipe_are_accepted_by_vllms_own_parser() -> None:
    _skip_without("vllm")
    served = [p for p in RECIPES if isinstance(load_recipe(p).generate.teacher, VllmTeacher)]
    assert f"accepted {len(served)}" in _run(VLLM_PROGRAM, served)


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
