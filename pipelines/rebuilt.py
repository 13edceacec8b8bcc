"""A published dataset, made once more from its own recipe: the same candidates give the same rows.

What is finished here is taken as it is, up to select; the stage shard is done again, in a folder of
its own. Stages run one after the other in this process, without Luigi's scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import luigi

from factory.preflight import check_needs
from factory.shard.recipe import dataset_recipe
from factory.shard.stage import build_shards
from pipelines.data import BuildShards
from pipelines.stage import Stage
from schemas.machine import Machine
from schemas.recipe import Recipe


def unfinished_stages(recipe: Recipe, machine: Machine) -> list[Stage]:
    """The stages up to select that a rebuild would have to run here, each after what it reads.

    Raises:
        RecipeError: A file that the recipe names is not there.
    """
    found: list[Stage] = []
    seen: set[str] = set()

    def visit(stage: Stage) -> None:
        if stage.task_id in seen or stage.complete():
            return
        seen.add(stage.task_id)
        for needed in luigi.task.flatten(stage.requires()):
            if isinstance(needed, Stage):
                visit(needed)
        found.append(stage)

    for stage in _shards(recipe, machine).inputs().values():
        visit(stage)
    return found


def rebuild(recipe: Recipe, machine: Machine, stages: Sequence[Stage], out_dir: Path) -> Path:
    """The folder of the dataset that the recipe makes; nothing is published.

    Args:
        stages: As `unfinished_stages` gives them; they run first, and what they make is kept.
        out_dir: Where the dataset is written.

    Raises:
        RetortError: What the machine lacks for the stages, or what one of them raises.
    """
    check_needs(recipe, machine, {stage.task_family for stage in stages})
    for stage in stages:
        stage.run()
    shards = _shards(recipe, machine)
    build_shards(
        shards.inputs()["select"].out_dir,
        dataset_recipe(recipe),
        upstream={name: stage.out_dir for name, stage in shards.upstream().items()},
        templates=shards.templates(),
        machine=machine,
        out_dir=out_dir,
        key=shards.key,
    )
    return out_dir / "dataset"


def _shards(recipe: Recipe, machine: Machine) -> BuildShards:
    return BuildShards(recipe=recipe, machine=machine)
