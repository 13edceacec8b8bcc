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

import shutil
from pathlib import Path
from typing import Any

from factory.artifact import DISK_FULL
from factory.digest import canonical_json
from factory.errors import RetortError, StorageFull, TrainError
from factory.parts import sync_folder, write_atomically
from factory.train import universal
from factory.train.agree import agree, on_first_rank
from factory.train.checkpoint_files import FileFacts, check_files, files_written, shared_out
from factory.train.checkpoint_folder import (
    COMPLETE,
    Checkpoint,
    complete_checkpoints,
    read_checkpoint,
    remove_incomplete,
)
from factory.train.job import TrainingJob


def save(engine: Any, folder: Path, step: int, identity: dict[str, Any], kept: int) -> None:
    """Save the state after `step` steps and remove all but the newest `kept`; every rank calls it.

    Raises:
        StorageFull: The disk has no room for it.
        TrainError: A file cannot be written.

    All ranks raise it then, the checkpoints before are kept, and the files of this one removed.
    """
    import torch.distributed

    here = folder / f"step-{step:06d}"
    on_first_rank(lambda: _begin(here))
    with files_written(engine) as written:
        engine.save_checkpoint(
            str(folder), tag=here.name, client_state=universal.CLIENT_STATE, save_latest=False
        )
    facts = {path.relative_to(here).as_posix(): one for path, one in written.facts.items()}
    all_facts: list[dict[str, FileFacts]] = [{}] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(all_facts, facts)
    try:
        agree(None if written.error is None else _not_written(here, written.error))
        on_first_rank(lambda: _complete(here, step, identity, all_facts, kept))
    except (StorageFull, TrainError):
        on_first_rank(lambda: shutil.rmtree(here))
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
        write_atomically(here / COMPLETE, canonical_json(content).encode())
        sync_folder(here.parent)
    except OSError as error:
        raise _not_written(here, error) from error
    for _, old in complete_checkpoints(here.parent)[:-kept]:
        (old / COMPLETE).unlink()
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
    here = on_first_rank(lambda: _newest(folder, scratch, identity))
    if here is None:
        return 0
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    universal.check_ranks(here.path, job, before=here.ranks, now=ranks)
    failure = None
    try:
        check_files(here.path, here.files, shared_out(here.files, ranks)[rank], remedy=here.remedy)
    except TrainError as error:
        failure = error
    agree(failure)
    if here.ranks != ranks and job.zero_stage > 0:
        universal.load(engine, on_first_rank(lambda: universal.convert(here.path, scratch)))
        on_first_rank(lambda: shutil.rmtree(scratch))
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
