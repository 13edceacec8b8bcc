"""A stage, as a run does it, or the ledger of all: `python run_one.py select|shard|ledger FOLDER
WORKERS`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from factory.artifact import commit
from factory.audit.table import ledger_of
from factory.audit.text import ledger_text
from factory.ledger import reconcile
from factory.parts import read_manifest
from factory.run_record import dataset_ref, stage_ref
from factory.select.stage import select_samples
from factory.shard.stage import build_shards
from factory.shown.status import State, listen
from schemas.machine import Machine
from schemas.manifest import Manifest, StageResult
from schemas.run import Run

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_stages.recipe import made_recipe

_UPSTREAM: Final = {
    "collect": "collect",
    "generate1": "generate",
    "grade1": "grade",
    "select": "select",
}
"""Input of the stage `shard` -> its folder."""


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
        return build_shards(
            folder / "select",
            recipe,
            upstream={name: folder / place for name, place in _UPSTREAM.items()},
            machine=machine,
            out_dir=out_dir,
            key="made-shard",
        )

    work: dict[str, Callable[[], StageResult]] = {"select": select, "shard": shard}
    reads = _UPSTREAM if stage == "select" else {"select": "select"}
    steps: dict[str, float] = {}
    with listen(lambda state: steps.update(_step(state))):
        manifest = commit(
            out_dir,
            work[stage],
            stage=stage,
            recipe=recipe.name,
            key=f"made-{stage}",
            code_version=1,
            inputs={name: f"made-{place}" for name, place in reads.items() if place != stage},
        )
    steps["all else"] = manifest.wall_s - sum(steps.values())
    (folder / f"steps-{stage}.json").write_text(json.dumps(steps), encoding="utf-8")
    return manifest


def _step(state: State) -> dict[str, float]:
    """A step that says how far it is -> how long it has taken."""
    return {state.label: state.done / state.per_s} if state.per_s else {}


def run_ledger(folder: Path) -> None:
    """Count everything again, and prove that it adds up.

    Raises:
        SystemExit: It does not.
    """
    places = [*_UPSTREAM.values(), "shard"]
    manifests = {place: read_manifest(folder / place) for place in places}
    dataset = folder / "shard" / "dataset"
    run = Run(
        run="made",
        recipe="made",
        target="BuildDataset",
        stages=[stage_ref("made", folder / place, one) for place, one in manifests.items()],
        ledger=reconcile([one.ledger for one in manifests.values()]),
        scores=[],
        dataset=dataset_ref(dataset),
        students=[],
    )
    found = ledger_of(run)
    if found.mismatches:
        raise SystemExit(ledger_text(found))


if __name__ == "__main__":
    os.environ.setdefault("RETORT_PROGRESS", "0")
    if sys.argv[1] == "ledger":
        run_ledger(Path(sys.argv[2]))
    else:
        run_stage(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
