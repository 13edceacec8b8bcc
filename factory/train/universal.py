"""Continuing with another number of ranks: a checkpoint as DeepSpeed's universal one.

Proven for ZeRO 1 and 2, whose optimizer states DeepSpeed shares out anew from whole tensors, and
for ZeRO 0, where every rank has them whole. For ZeRO 3 a universal checkpoint loads and is wrong
in silence: all parameters get the settings of the first group, so it is refused here; as it is
where a DeepSpeed file sets what is not proven (with `round_robin_gradients` the weights are wrong).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any, Final

from factory.artifact import DISK_FULL
from factory.errors import StorageFull, TrainError
from factory.train.job import TrainingJob

CLIENT_STATE: Final = {"universal_checkpoint_info": {"universal_checkpoint_version": 0.4}}
"""What a checkpoint has to hold so that it can be converted."""
_PROVEN: Final = frozenset(
    {
        *("stage", "overlap_comm", "contiguous_gradients", "reduce_scatter"),
        *("reduce_bucket_size", "allgather_bucket_size", "allgather_partitions"),
        *("offload_optimizer", "offload_param", "load_from_fp32_weights", "sub_group_size"),
    }
)
"""Entries of `zero_optimization` with which it was tried; those of stage 3 alone do nothing."""
_ROOM: Final = 2.2
"""Size of the scratch files, fragments and whole tensors, over the size of the checkpoint."""


def check_ranks(here: Path, job: TrainingJob, *, before: int, now: int) -> None:
    """Refuse a checkpoint of another number of ranks where it is not proven to load rightly.

    Raises:
        TrainError: ZeRO 3, or a DeepSpeed file with an entry that was not tried.
    """
    if before == now:
        return
    zero: dict[str, Any] = job.deepspeed.get("zero_optimization", {})
    odd = sorted(
        name
        for name, value in zero.items()
        if value and name not in _PROVEN and not name.startswith("stage3_")
    )
    if job.zero_stage == 3 or (odd and job.zero_stage > 0):
        why = "ZeRO 3" if job.zero_stage == 3 else f"the DeepSpeed file's {', '.join(odd)}"
        raise TrainError(
            f"checkpoint {here}: expected ranks = {now}, found {before}, and with {why} its state "
            f"cannot be shared out anew; run with {before} ranks (training.ranks in the machine "
            f"file), or delete {here.parent} to start again"
        )


def convert(here: Path, scratch: Path) -> Path:
    """`scratch/NAME`, the checkpoint `here` as a universal one; one rank calls it.

    What an interrupted conversion left is removed first.

    Raises:
        StorageFull: The disk has no room for it.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    needed = int(_ROOM * sum(path.stat().st_size for path in here.iterdir()))
    try:
        scratch.mkdir(parents=True)
        free = shutil.disk_usage(scratch).free
        if free < needed:
            raise _full(here, scratch, needed, f"{free} free")
        from deepspeed.checkpoint.ds_to_universal import main

        main(
            argparse.Namespace(
                input_folder=str(here),
                output_folder=str(scratch / here.name),
                num_extract_workers=1,  # in this process, which its parent ends with itself
                num_merge_workers=1,
                keep_temp_folder=False,
                strict=True,
                inject_missing_state=False,
            )
        )
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if error.errno not in DISK_FULL:
            raise
        raise _full(here, scratch, needed, str(error.strerror)) from error
    return scratch / here.name


def load(engine: Any, universal: Path) -> None:
    """Load a universal checkpoint into an engine of any number of ranks; every rank calls it."""
    engine._config.load_universal_checkpoint = True
    try:
        loaded, _ = engine.load_checkpoint(str(universal.parent), tag=universal.name)
    finally:
        engine._config.load_universal_checkpoint = False
    assert loaded is not None


def _full(here: Path, scratch: Path, needed: int, found: str) -> StorageFull:
    return StorageFull(
        f"checkpoint {here}: expected {needed} bytes of room in {scratch} to share it out among "
        f"another number of ranks, found {found}; free some space, or run with as many ranks as "
        f"before"
    )
