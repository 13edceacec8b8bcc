"""Checkpoints of a training: written whole, the oldest removed, exact to continue from.

A checkpoint is `checkpoints/step-000050/` as DeepSpeed writes it, and counts only with its
`complete.json`, written last: the step, what the training is, size and SHA-256 of every file.
The state is weights, optimizer and step; the place in the data is the step of the plan, whose
digest is kept, and random generators are seeded anew each step.

Covered: a kill at any moment, a full disk, a file that is cut short, missing or has other bytes,
other data or settings, another number of ranks (`factory.train.universal`). Not covered:
`complete.json` changed so that it still reads and agrees with itself.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from factory.artifact import DISK_FULL
from factory.digest import canonical_json
from factory.errors import RetortError, StorageFull, TrainError
from factory.parts import sync_folder, write_atomically
from factory.train import universal
from factory.train.checkpoint_files import FileFacts, check_files, files_written, shared_out
from factory.train.job import TrainingJob

_COMPLETE: Final = "complete.json"

Made = TypeVar("Made")


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
        if (path / _COMPLETE).is_file()
    )


def remove_incomplete(folder: Path) -> None:
    """Remove what interrupted saves left."""
    for path in _step_folders(folder):
        if not (path / _COMPLETE).is_file():
            shutil.rmtree(path)


def _step_folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("step-*") if re.fullmatch(r"step-\d+", path.name)]


def save(engine: Any, folder: Path, step: int, identity: dict[str, Any], kept: int) -> None:
    """Save the state after `step` steps and remove all but the newest `kept`; every rank calls it.

    Raises:
        StorageFull: The disk has no room for it.
        TrainError: A file cannot be written.

    All ranks raise it then, the checkpoints before are kept, and the files of this one removed.
    """
    import torch.distributed

    here = folder / f"step-{step:06d}"
    _on_first_rank(lambda: _begin(here))
    with files_written(engine) as written:
        engine.save_checkpoint(
            str(folder), tag=here.name, client_state=universal.CLIENT_STATE, save_latest=False
        )
    facts = {path.relative_to(here).as_posix(): one for path, one in written.facts.items()}
    all_facts: list[dict[str, FileFacts]] = [{}] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(all_facts, facts)
    try:
        _agree(None if written.error is None else _not_written(here, written.error))
        _on_first_rank(lambda: _complete(here, step, identity, all_facts, kept))
    except (StorageFull, TrainError):
        _on_first_rank(lambda: shutil.rmtree(here))
        raise


def _begin(here: Path) -> None:
    try:
        here.mkdir(parents=True)
    except OSError as error:
        raise _not_written(here, error) from error


def _complete(
    here: Path,
    step: int,
    identity: dict[str, Any],
    all_facts: list[dict[str, FileFacts]],
    kept: int,
) -> None:
    files = {name: one._asdict() for facts in all_facts for name, one in facts.items()}
    content = {"identity": identity, "step": step, "files": files}
    try:
        sync_folder(here)
        write_atomically(here / _COMPLETE, canonical_json(content).encode())
        sync_folder(here.parent)
    except OSError as error:
        raise _not_written(here, error) from error
    for _, old in complete_checkpoints(here.parent)[:-kept]:
        (old / _COMPLETE).unlink()
        shutil.rmtree(old)


def _not_written(here: Path, error: OSError) -> RetortError:
    last = complete_checkpoints(here.parent)
    goes_on = f"continues from {last[-1][1].name}, which is kept" if last else "starts again"
    if error.errno in DISK_FULL:
        return StorageFull(
            f"checkpoint {here}: expected room for its files, found the disk full "
            f"({error.strerror}); free some space and run again: it {goes_on}"
        )
    return TrainError(
        f"checkpoint {here}: expected to write its files, found {error}; mend it and run again: "
        f"it {goes_on}"
    )


def resume(engine: Any, folder: Path, identity: dict[str, Any], job: TrainingJob) -> int:
    """Load the newest whole checkpoint; returns the number of steps done, 0 where there is none.

    Every rank calls it. With as many ranks as before the state is bit for bit what was saved;
    with another number it is shared out anew, which needs room in `work/` while it loads.

    Raises:
        TrainError: It was made from other data or settings, by another number of ranks with
            ZeRO 3, or one of its files is not as it was written. All ranks raise it.
        StorageFull: There is no room to share it out anew. All ranks raise it.
    """
    import torch.distributed

    scratch = job.work / "universal"
    here = _on_first_rank(lambda: _newest(folder, scratch, identity))
    if here is None:
        return 0
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    universal.check_ranks(here.path, job, before=here.ranks, now=ranks)
    failure = None
    try:
        check_files(here.path, here.files, shared_out(here.files, ranks)[rank], remedy=here.remedy)
    except TrainError as error:
        failure = error
    _agree(failure)
    if here.ranks != ranks and job.zero_stage > 0:
        universal.load(engine, _on_first_rank(lambda: universal.convert(here.path, scratch)))
        _on_first_rank(lambda: shutil.rmtree(scratch))
    else:
        loaded, _ = engine.load_checkpoint(str(folder), tag=here.path.name)
        assert loaded is not None
    return here.step


def _newest(folder: Path, scratch: Path, identity: dict[str, Any]) -> Checkpoint | None:
    """The newest whole checkpoint, if it is of this training; leftovers are removed."""
    remove_incomplete(folder)
    shutil.rmtree(scratch, ignore_errors=True)
    found = complete_checkpoints(folder)
    if not found:
        return None
    here = read_checkpoint(found)
    for name, value in identity.items():
        if name != "ranks" and here.identity.get(name) != value:
            raise TrainError(
                f"checkpoint {here.path}: expected {name} = {value}, found "
                f"{here.identity.get(name)}: it is of another training; delete {folder} to start "
                f"again"
            )
    return here


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
        content = json.loads((path / _COMPLETE).read_bytes())
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
            f"checkpoint {path}, file {_COMPLETE}: expected what a save wrote, found something "
            f"else ({type(error).__name__}: {error}); {remedy}"
        ) from error


def _agree(failure: RetortError | None) -> None:
    """Raise on every rank what the first rank with a failure found."""
    import torch.distributed

    found: list[RetortError | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, failure)
    first = next((one for one in found if one is not None), None)
    if first is not None:
        raise first


def _on_first_rank(work: Callable[[], Made]) -> Made:
    """What the first rank makes, or the error made on purpose that it raises, on every rank."""
    import torch.distributed

    box: list[Any] = [None]
    failure: RetortError | None = None
    if torch.distributed.get_rank() == 0:
        try:
            box[0] = work()
        except RetortError as error:
            failure = error
    _agree(failure)
    torch.distributed.broadcast_object_list(box)
    made: Made = box[0]
    return made
