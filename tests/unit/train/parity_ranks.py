"""One rank that does many trainings, one after another: `-m tests.unit.train.parity_ranks JOBS`.

`JOBS` is a JSON file with a list of `[what, job]`. `train`: as `factory.train.loop` trains it, in
the one process group of the launch, after which, but for ZeRO 3, no engine may be left in memory.
`look`: only the engine is started, in a group whose waits an earlier training limited, and what it
made of the model and of the waits is written to the job's `look-RANK.json`. `force`: DeepSpeed is
given what our settings refuse, bfloat16 in ZeRO stage 0, and what it says is written to
`force-RANK.json`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.train.job import TrainingJob
from factory.train.leave import run_rank
from tests.unit.train.many_jobs import forget, launch


def do_all(jobs: Sequence[tuple[str, TrainingJob]], folder: Path, *, ranks: int) -> None:
    """All jobs in one launch of so many ranks; fails with the end of their output."""
    launch("parity_ranks", [(what, job.model_dump()) for what, job in jobs], folder, ranks=ranks)


def main(path: str) -> int:
    """Do them."""
    import torch.distributed

    from factory.train.loop import train

    for number, (what, content) in enumerate(json.loads(Path(path).read_text())):
        job = TrainingJob.model_validate(content)
        job.work.mkdir(parents=True, exist_ok=True)
        begun = time.process_time()
        if what == "train":
            train(job)
            if job.zero_stage < 3:
                assert not any(type(one).__name__ == "DeepSpeedEngine" for one in gc.get_objects())
        else:
            found = _look(job) if what == "look" else _force(job)
            (job.out / f"{what}-{os.environ['RANK']}.json").write_text(json.dumps(found))
        forget(number)
        print(what, job.out.name, f"{time.process_time() - begun:.2f} s of CPU", flush=True)
    torch.distributed.destroy_process_group()
    return 0


def _look(job: TrainingJob) -> dict[str, Any]:
    """What of the model this rank holds before and after the engine is started."""
    from torch.distributed import distributed_c10d

    from factory.train.engine import load_base, start_engine
    from factory.train.loss import Learner
    from factory.train.pulse import limit_waits

    limit_waits(60.0)
    model, _ = load_base(job)
    whole = sum(one.numel() for one in model.parameters())
    engine, _ = start_engine(Learner(model), job)
    c10d: Any = distributed_c10d
    group = c10d._get_default_group()
    found = {
        "buffers": {name: str(one.dtype) for name, one in model.named_buffers()},
        "parameters": sorted({str(one.dtype) for one in model.parameters()}),
        "whole": whole,
        "held": sum(getattr(one, "ds_tensor", one).numel() for one in model.parameters()),
        "optimizer": type(engine.optimizer).__name__,
        "wait_s": group._get_backend(engine.device).options._timeout.total_seconds(),
    }
    engine.destroy()
    return found


def _force(job: TrainingJob) -> str:
    import deepspeed
    import torch

    from factory.train.deepspeed_settings import deepspeed_config
    from factory.train.engine import load_base

    settings = deepspeed_config(job, ranks=torch.distributed.get_world_size())
    settings |= {"bf16": {"enabled": True}, "data_types": {"grad_accum_dtype": "fp32"}}
    model, _ = load_base(job)
    optimizer = torch.optim.AdamW(model.parameters())
    try:
        deepspeed.initialize(model=model, optimizer=optimizer, config=settings)
    except NotImplementedError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    run_rank(lambda: main(sys.argv[1]))
