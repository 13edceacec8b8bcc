"""One rank of our trainer: `torchrun -m training.cpu_ours WORK.json`, timed at each step's end."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path

from factory.train import loop
from factory.train.job import TrainingJob
from factory.train.leave import run_rank

from .cpu_clock import Clock


def main() -> int:
    """Train, and write what it took."""
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = TrainingJob.model_validate(work["job"])
    # None: as the loop packs; else the same layout of rows as the peer's
    loop.plan_of = partial(loop.plan_of, row_tokens=work["row_tokens"])
    training = loop._Training(job)
    clock = Clock()
    step = training._step

    def timed(number: int) -> object:
        facts = step(number)
        clock.lap(training.plan.steps[number].tokens)
        return facts

    training._step = timed
    training.run()
    clock.write(Path(work["out"]), int(os.environ["RANK"]))
    return 0


if __name__ == "__main__":
    run_rank(main)
