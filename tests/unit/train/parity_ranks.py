"""One rank that does many trainings, one after another: `-m tests.unit.train.parity_ranks JOBS`.

`JOBS` is a JSON file with a list of jobs. Each is trained as `factory.train.loop` trains it, in
the one process group of the launch; a refusal is written to the job's `work/error-RANK.txt`.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from factory.errors import TrainError
from factory.recipe_file import ROOT
from factory.train.job import TrainingJob


def train_all(jobs: Sequence[TrainingJob], folder: Path, *, ranks: int) -> None:
    """All jobs in one launch of so many ranks; fails with the end of their output."""
    path = folder / f"jobs-{ranks}.json"
    path.write_text(json.dumps([job.model_dump() for job in jobs]))
    output = folder / f"ranks-{ranks}.log"
    with open(output, "wb") as log:
        code = subprocess.run(
            [
                *(sys.executable, "-m", "factory.train.launch"),
                *("--standalone", "--nproc-per-node", str(ranks), "--master-addr", "127.0.0.1"),
                *("-m", "tests.unit.train.parity_ranks", str(path)),
            ],
            cwd=ROOT,
            env={**os.environ, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    assert code == 0, "\n".join(output.read_text().splitlines()[-40:])


def main(path: str) -> None:
    """Train them."""
    import torch.distributed

    from factory.train.loop import train

    for one in json.loads(Path(path).read_text()):
        job = TrainingJob.model_validate(one)
        job.work.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        try:
            train(job)
        except TrainError as error:
            (job.work / f"error-{os.environ['RANK']}.txt").write_text(str(error))
        gc.collect()
        print(job.out.name, f"{time.monotonic() - begun:.2f} s", flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
