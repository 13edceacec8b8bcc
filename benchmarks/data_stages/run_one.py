"""A stage, as a run does it: `python run_one.py select|shard FOLDER WORKERS`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from factory.artifact import commit
from factory.select.stage import select_samples
from factory.shard.stage import build_shards
from schemas.machine import Machine
from schemas.manifest import Manifest, StageResult

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_stages.recipe import made_recipe


def run_stage(stage: str, folder: Path, workers: int) -> Manifest:
    """The manifest of the stage, with the lock, the parts and the ledger that a run has."""
    recipe = made_recipe(folder)
    machine = Machine(workers=workers)
    out_dir = folder / stage

    def select() -> StageResult:
        return select_samples(
            folder / "collect",
            [(folder / "generate", folder / "grade")],
            recipe.select,
            generate=recipe.generate,
            seed=recipe.seed,
            machine=machine,
            out_dir=out_dir,
            key="made-select",
        )

    def shard() -> StageResult:
        names = {"collect": "collect", "generate1": "generate", "grade1": "grade"}
        return build_shards(
            folder / "select",
            recipe,
            upstream={
                name: folder / place for name, place in (names | {"select": "select"}).items()
            },
            machine=machine,
            out_dir=out_dir,
            key="made-shard",
        )

    work: dict[str, Callable[[], StageResult]] = {"select": select, "shard": shard}
    return commit(
        out_dir,
        work[stage],
        stage=stage,
        recipe=recipe.name,
        key=f"made-{stage}",
        code_version=1,
        inputs={},
    )


if __name__ == "__main__":
    os.environ.setdefault("RETORT_PROGRESS", "0")
    run_stage(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
