"""A run is planned quickly, whatever its rounds, and its name follows from what it does."""

from __future__ import annotations

from pathlib import Path

from factory.recipe_file import ROOT, load_recipe
from pipelines import BuildDataset
from schemas.machine import Machine, Paths


def test_twenty_rounds_are_planned_without_repeating_a_stage(tmp_path: Path) -> None:
    recipe = load_recipe(str(ROOT / "recipes" / "tiny.toml"))
    generate = recipe.generate.model_copy(update={"max_rounds": 20})
    task = BuildDataset(
        recipe=recipe.model_copy(update={"generate": generate}),
        machine=Machine(paths=Paths(artifacts=str(tmp_path))),
    )
    ids = [stage.task_id for stage in task.stages]
    assert len(ids) == len(set(ids)) == 1 + 2 * 20 + 2
    assert not task.complete()


def test_another_seed_is_another_run_and_another_machine_is_not(tmp_path: Path) -> None:
    recipe = load_recipe(str(ROOT / "recipes" / "tiny.toml"))
    here, there = Machine(), Machine(paths=Paths(artifacts=str(tmp_path)), workers=7)
    name = BuildDataset(recipe=recipe, machine=here).run_name
    assert BuildDataset(recipe=recipe, machine=there).run_name == name
    reseeded = recipe.model_copy(update={"seed": 99})
    assert BuildDataset(recipe=reseeded, machine=here).run_name != name
