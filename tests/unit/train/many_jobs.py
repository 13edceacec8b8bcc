"""One launch of ranks that does many jobs, one after another, which costs one start."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from factory.recipe_file import ROOT


def launch(program: str, jobs: list[Any], folder: Path, *, ranks: int) -> None:
    """Run a module of `tests.unit.train` as so many ranks; fails with their output.

    Args:
        program: Its last name; its argument is a JSON file with `jobs`.
        folder: Gets that file and the output.
    """
    path = folder / f"jobs-{ranks}.json"
    path.write_text(json.dumps(jobs))
    output = folder / f"ranks-{ranks}.log"
    with open(output, "wb") as log:
        code = subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", str(ranks), "--master-addr", "127.0.0.1"),
                *("-m", f"tests.unit.train.{program}", str(path)),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "DS_ACCELERATOR": "cpu",
                "OMP_NUM_THREADS": "1",
                "PYTHONFAULTHANDLER": "1",
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    said = [one for one in output.read_text().splitlines() if "Warning" not in one]
    assert code == 0, "\n".join(said)


def forget(number: int) -> None:
    """Let go of what the job of this number (counted from 0) left; called in each rank."""
    gc.collect()
    if number == 0:
        gc.freeze()  # DeepSpeed collects often, and it has imported a million objects by now
