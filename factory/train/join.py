"""Ranks that another launcher started: `torchrun --nnodes … -m retort.command train`, or srun.

Each process has torchrun's environment (`RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`,
`LOCAL_RANK`). Rank 0 does what the command does, and the others train what it trains: it sends them
each job through the store of torch.distributed, so that no file of an earlier run is taken for
one. Nobody watches these ranks but their launcher; the waits for each other are limited as
`factory.train.pulse` says.
"""

from __future__ import annotations

import atexit
import datetime
import json
import os
import time
from collections.abc import Callable
from typing import Any, Final

from factory.errors import RetortError, TrainError
from factory.orphans import die_with_parent
from factory.train.finished import clear_folder, finish, finished_outcome, write_outcome
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.leave import leave

_NEEDED: Final = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_PREPARING: Final = datetime.timedelta(days=7)
"""Rank 0 may prepare for so long; if it dies, the launcher or its closed store ends the others."""
_HEARD_S: Final = 10.0
_TRAINING: Final = "retort/training"


def joined() -> bool:
    """Whether this process is a rank already."""
    return all(os.environ.get(name) for name in _NEEDED)


def act_together(act: Callable[[], int]) -> int:
    """`act()` in rank 0, which may call `run_training` any number of times, while the other ranks
    train with it; the exit code, with which this process will end.

    Raises:
        RetortError: Rank 0's, in every rank; or what a rank found wrong in the training.
    """
    import torch.distributed

    die_with_parent(os.getppid())
    code = 1
    try:
        store = _store()
        code = _lead_all(store, act) if os.environ["RANK"] == "0" else _follow(store)
        torch.distributed.destroy_process_group()
    finally:
        atexit.register(leave, code)  # after the caller has said what was raised
    return code


def lead(job: TrainingJob) -> TrainingOutcome:
    """Rank 0's part in a training: tell the others, train, note the end."""
    job = job.model_copy(update={"ranks": int(os.environ["WORLD_SIZE"]), "hostfile": ""})
    finished = finished_outcome(job)
    if finished is not None:
        return finished
    clear_folder(job)
    store = _store()
    _send(store, {"job": job.model_dump(mode="json")})
    store.add(_TRAINING, 1)
    write_outcome(job, _train(job))
    store.add(_TRAINING, -1)
    return finish(job)


def _lead_all(store: Any, act: Callable[[], int]) -> int:
    """Rank 0's part in all that the command does."""
    try:
        code = act()
    except RetortError as error:
        if not store.add(_TRAINING, 0):  # else the others are not listening
            _send(store, {"error": str(error)})
        raise
    _send(store, {"code": code})
    return code


def _follow(store: Any) -> int:
    """Any other rank's part: train what rank 0 says, until it says that it is over."""
    number = 0
    while True:
        message = json.loads(_receive(store, number))
        number += 1
        if "job" not in message:
            break
        _train(TrainingJob.model_validate(message["job"]))
    if "error" in message:
        raise TrainError(message["error"])
    return int(message["code"])


def _train(job: TrainingJob) -> TrainingOutcome:
    from factory.train.loop import train

    return train(job)


def _store() -> Any:
    """The store that all ranks reach, with their process group made if it is not there yet."""
    import torch
    import torch.distributed

    group: Any = torch.distributed.distributed_c10d
    if not torch.distributed.is_initialized():
        gpu = torch.cuda.is_available()
        os.environ["DS_ACCELERATOR"] = "cuda" if gpu else "cpu"
        torch.distributed.init_process_group("nccl" if gpu else "gloo")
    return group._get_default_store()


def _send(store: Any, message: dict[str, Any]) -> None:
    """Tell the other ranks, and wait a little until all have heard: the store may end with this
    process."""
    number = store.add("retort/sent", 1) - 1
    store.set(f"retort/{number}", json.dumps(message))
    others = int(os.environ["WORLD_SIZE"]) - 1
    end_s = time.monotonic() + _HEARD_S
    while store.add(f"retort/{number}/heard", 0) < others and time.monotonic() < end_s:
        time.sleep(0.05)


def _receive(store: Any, number: int) -> bytes:
    store.wait([f"retort/{number}"], _PREPARING)
    message: bytes = store.get(f"retort/{number}")
    store.add(f"retort/{number}/heard", 1)
    return message
