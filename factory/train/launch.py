"""Starting the ranks of a training, and ending them with whoever started them.

On one machine torchrun starts them, with a hostfile DeepSpeed's own runner, and where this process
is a rank itself (`factory.train.join`) they are there already.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from factory.orphans import die_with_parent
from factory.parts import write_atomically
from factory.recipe_file import ROOT
from factory.train.failure import why_it_ended, write_exits
from factory.train.finished import clear_folder, finish, finished_outcome, has_outcome
from factory.train.hosts import hosts_environment, runner_command
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.join import joined, lead
from factory.train.lease import lease
from factory.train.pulse import PARENT
from factory.train.watch import watch

_RUNNER: Final = "deepspeed"
"""First argument of `main`: DeepSpeed's runner instead of torchrun."""
_WORK: Final = "RETORT_WORK"
"""Environment: where the launcher reports."""


def bind_to_parent() -> None:
    """End this process when the one that started it ends."""
    die_with_parent(int(os.environ.get(PARENT, os.getppid())))


def run_training(job: TrainingJob) -> TrainingOutcome:
    """Train `job` in its own processes and wait; a finished training is not run again.

    Killed at any moment and called again, it continues from the last checkpoint; on CPU with the
    same number of ranks the weights are then bit for bit those of a run without a kill.

    Raises:
        TrainError: A rank refused its data, its checkpoint or its loss, died, or made no progress
            for `job.stall_timeout_s`; with the end of the ranks' output.
        StorageFull: A rank found the disk full.
    """
    if joined():
        return lead(job)
    finished = finished_outcome(job)
    if finished is not None:
        return finished
    clear_folder(job)
    write_atomically(job.work / "job.json", job.model_dump_json(indent=2).encode())
    output = job.work / "ranks.log"
    with open(output, "wb") as log, lease(job) as run:
        environment = _environment(job)
        if job.hostfile:
            environment = hosts_environment(job, environment, run)
        launcher = subprocess.Popen(
            _command(job),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ending = watch(launcher, job, output)
        finally:
            _end(launcher)
    if ending.code != 0 or not has_outcome(job):
        raise why_it_ended(job, ending.code, output, gone=ending.gone)
    return finish(job)


def _command(job: TrainingJob) -> list[str]:
    rank = ["factory.train.loop", str(job.work / "job.json")]
    launch = [sys.executable, "-m", "factory.train.launch"]
    if job.hostfile:
        return [*launch, _RUNNER, *runner_command(job), *rank]
    return [
        *launch,
        *("--standalone", "--nproc-per-node", str(job.ranks), "--master-addr", "127.0.0.1"),
        *("-m", *rank),
    ]


def _environment(job: TrainingJob) -> dict[str, str]:
    environment = {
        **os.environ,
        PARENT: str(os.getpid()),
        _WORK: str(job.work),
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",  # where a rank was that crashes stands in its output
        "TOKENIZERS_PARALLELISM": "false",
        "DS_ACCELERATOR": job.device,
    }
    if job.device == "cpu":
        environment |= {
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            # Micro-batches differ in tokens: torch's 1,024 compiled products take 0.4 GB more.
            "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
        }
    return environment


def _end(launcher: subprocess.Popen[bytes]) -> None:
    """End the launcher's group, whatever is left of it."""
    if launcher.poll() is None:
        os.killpg(launcher.pid, signal.SIGKILL)  # its ranks die with it
    launcher.wait()


def main() -> None:
    """torchrun or DeepSpeed's runner, bound to the life of the process that started it."""
    bind_to_parent()
    if sys.argv[1] == _RUNNER:
        del os.environ[PARENT]  # its ranks are bound to what it starts
        from deepspeed.launcher.runner import main as runner

        runner(sys.argv[2:])
        return
    os.environ[PARENT] = str(os.getpid())  # the ranks are bound to this process
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun(sys.argv[1:])
    except ChildFailedError as error:
        exits = {rank: one.exitcode for rank, one in error.failures.items()}
        sys.stderr.write(f"exit codes of ranks: {exits}\n")
        if _WORK in os.environ:
            write_exits(Path(os.environ[_WORK]), exits)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
