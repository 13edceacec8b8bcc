"""One rank of our trainer: `torchrun … ours.py WORK.json`, timed at the end of each step."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from clock import Clock

from factory.train import loop
from factory.train.job import TrainingJob
from factory.train.plan import Plan, make_plan
from factory.train.tokens import TokenFiles


def main() -> None:
    """Train, and write what it took."""
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = TrainingJob.model_validate(work["job"])
    row_tokens = work["row_tokens"]
    if row_tokens is not None:  # the same layout of rows as the peer's

        def in_long_rows(job: TrainingJob, data: TokenFiles) -> Plan:
            return make_plan(
                data.lengths,
                data.prompt_tokens,
                epochs=job.epochs,
                batch_tokens=job.batch_tokens,
                seed=job.seed,
                row_tokens=row_tokens,
            )

        loop.plan_of = in_long_rows
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


if __name__ == "__main__":
    main()
