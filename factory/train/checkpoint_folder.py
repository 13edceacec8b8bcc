"""The folder of checkpoints: which are whole, and what the newest one is."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.errors import TrainError
from factory.train.checkpoint_files import FileFacts

COMPLETE: Final = "complete.json"
"""Written last: with it a checkpoint counts."""


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint."""

    path: Path
    step: int
    """Optimizer steps done."""
    ranks: int
    """That saved it."""
    identity: dict[str, Any]
    files: dict[str, FileFacts]
    remedy: str
    """What helps where it cannot be used."""


def complete_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """`(step, folder)` of the whole checkpoints, oldest first."""
    return sorted(
        (int(path.name.removeprefix("step-")), path)
        for path in _step_folders(folder)
        if (path / COMPLETE).is_file()
    )


def remove_incomplete(folder: Path) -> None:
    """Remove what interrupted saves left."""
    for path in _step_folders(folder):
        if not (path / COMPLETE).is_file():
            shutil.rmtree(path)


def _step_folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("step-*") if re.fullmatch(r"step-\d+", path.name)]


def read_checkpoint(found: list[tuple[int, Path]]) -> Checkpoint:
    """The newest of these, as its `complete.json` describes it; its files are not looked at.

    Raises:
        TrainError: `complete.json` is not as it was written.
    """
    path = found[-1][1]
    remedy = f"delete {path} " + (
        f"to continue from {found[-2][1].name}, which is kept"
        if len(found) > 1
        else "to start again: there is none before it"
    )
    try:
        content = json.loads((path / COMPLETE).read_bytes())
        return Checkpoint(
            path=path,
            step=int(content["step"]),
            ranks=int(content["identity"]["ranks"]),
            identity=content["identity"],
            files={name: FileFacts(**one) for name, one in content["files"].items()},
            remedy=remedy,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainError(
            f"checkpoint {path}, file {COMPLETE}: expected what a save wrote, found something "
            f"else ({type(error).__name__}: {error}); {remedy}"
        ) from error
