"""Many trainings in one launch of ranks, and trainings continued by another number of ranks.

As a program, `-m tests.unit.train.other_ranks JOBS`, it is one rank; `JOBS` is a JSON file with a
list of `[job, full]`. `full` is the rank whose disk is full, null for none: it writes no file of
more than 100,000 bytes. An error made on purpose is written to the job's `error-RANK.json`.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from factory.errors import RetortError
from factory.train.job import TrainingJob
from factory.train.leave import run_rank
from tests.unit.train.many_jobs import forget, launch

_LARGEST_BYTES: Final = 100_000


def train_all(
    jobs: Sequence[TrainingJob | tuple[TrainingJob, int]], folder: Path, *, ranks: int
) -> None:
    """All jobs in one launch of so many ranks; with a rank, it is the one whose disk is full."""
    entries = [one if isinstance(one, tuple) else (one, None) for one in jobs]
    launch("other_ranks", [(job.model_dump(), full) for job, full in entries], folder, ranks=ranks)


def errors(job: TrainingJob) -> list[tuple[str, str, list[str]]]:
    """Of each rank: kind and message of its error, and the checkpoints that there were then."""
    paths = [job.out / f"error-{rank}.json" for rank in range(job.ranks)]
    return [tuple(json.loads(path.read_text())) for path in paths if path.exists()]


def to_be_continued(
    base: TrainingJob, kinds: Sequence[dict[str, Any]], folder: Path, *, ranks: int
) -> list[TrainingJob]:
    """Jobs for so many ranks, with a checkpoint after three steps; `kinds` change the base."""
    return [
        base.model_copy(
            update={
                "ranks": ranks,
                "out_dir": str(folder / f"by-{ranks}-{number}"),
                "checkpoint_every_steps": 3,
                **kind,
            }
        )
        for number, kind in enumerate(kinds)
    ]


def continued(job: TrainingJob, name: str, harm: str | None = None, **changes: Any) -> TrainingJob:
    """A job that begins with a copy of another one's checkpoints.

    Args:
        harm: Pattern of a file in the newest one, of which a bit is flipped.
    """
    out = job.out.with_name(f"{job.out.name}-{name}")
    shutil.copytree(job.out / "checkpoints", out / "checkpoints")
    if harm is not None:
        path = next(sorted((out / "checkpoints").iterdir())[-1].glob(harm))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    return job.model_copy(update={**changes, "out_dir": str(out)})


def furthest_weight(one: Path, other: Path) -> float:
    """The largest difference of a weight between two models."""
    from safetensors.torch import load_file

    ours, theirs = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert ours.keys() == theirs.keys()
    return max(
        float((value.double() - theirs[name].double()).abs().max()) for name, value in ours.items()
    )


def main(path: str) -> int:
    """Train them, one after another, in one process group."""
    import torch.distributed

    from factory.train.loop import train

    rank = int(os.environ["RANK"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number, (content, full) in enumerate(json.loads(Path(path).read_text())):
        job = TrainingJob.model_validate(content)
        job.work.mkdir(parents=True, exist_ok=True)
        begun = time.process_time()
        if full == rank:
            resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_BYTES, limits[1]))
        try:
            train(job)
        except RetortError as error:
            left = sorted(path.name for path in (job.out / "checkpoints").iterdir())
            told = [type(error).__name__, str(error), left]
            (job.out / f"error-{rank}.json").write_text(json.dumps(told))
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        forget(number)
        print(job.out.name, f"{time.process_time() - begun:.2f} s of CPU", flush=True)
    torch.distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    run_rank(lambda: main(sys.argv[1]))
