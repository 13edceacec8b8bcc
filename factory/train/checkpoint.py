"""Checkpoints of a training: written whole, the oldest removed, exact to continue from.

A checkpoint is `checkpoints/step-000050/` as DeepSpeed writes it, and counts only with its
`complete.json`, written last. Covered: a kill at any moment, a file cut short or missing, other
data, another number of ranks. Not covered: bytes that changed without changing a file's size.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

import torch.distributed

from factory.digest import canonical_json
from factory.errors import TrainError
from factory.parts import write_atomically
from factory.train.job import TrainingJob

_COMPLETE: Final = "complete.json"


def complete_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """`(step, folder)` of the whole checkpoints, oldest first."""
    found = [
        (int(match[1]), path)
        for path in folder.glob("step-*")
        if (match := re.fullmatch(r"step-(\d+)", path.name)) and (path / _COMPLETE).is_file()
    ]
    return sorted(found)


def save(engine: Any, folder: Path, step: int, identity: dict[str, Any], kept: int) -> None:
    """Save the state after `step` steps; every rank calls it."""
    name = f"step-{step:06d}"
    here = folder / name
    rank = torch.distributed.get_rank()
    if rank == 0 and here.exists():  # begun before a kill, never completed
        shutil.rmtree(here)
    torch.distributed.barrier()
    engine.save_checkpoint(str(folder), tag=name, save_latest=False)
    torch.distributed.barrier()
    if rank == 0:
        content = {"identity": identity, "step": step, "bytes": _sizes(here)}
        write_atomically(here / _COMPLETE, canonical_json(content).encode())
        for _, old in complete_checkpoints(folder)[:-kept]:
            (old / _COMPLETE).unlink()
            shutil.rmtree(old)
    torch.distributed.barrier()


def resume(engine: Any, folder: Path, identity: dict[str, Any], job: TrainingJob) -> int:
    """Load the newest whole checkpoint; returns the number of steps done, 0 where there is none.

    Raises:
        TrainError: It was made by another number of ranks, from other data or settings, or one
            of its files is not as it was written.
    """
    del job
    found = complete_checkpoints(folder)
    if not found:
        return 0
    step, here = found[-1]
    content = json.loads((here / _COMPLETE).read_text())
    before = content["identity"]
    for name, value in identity.items():
        if before.get(name) != value:
            remedy = (
                f"run with {before.get(name)} ranks, or delete {folder} to start again"
                if name == "ranks"
                else f"delete {folder} to start again"
            )
            raise TrainError(
                f"checkpoint {here}: expected {name} = {value}, found {before.get(name)}; {remedy}"
            )
    sizes = _sizes(here)
    for name, size in content["bytes"].items():
        if sizes.get(name) != size:
            raise TrainError(
                f"checkpoint {here}: expected {size} bytes in {name}, found {sizes.get(name)}; "
                f"delete {here} to continue from the one before it"
            )
    loaded, _ = engine.load_checkpoint(str(folder), tag=here.name)
    assert loaded is not None
    return step


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _COMPLETE
    }
