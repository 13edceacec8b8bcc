"""Starting the ranks of a training, watching them, and ending them with whoever started them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from factory.digest import digest
from factory.errors import TrainError
from factory.orphans import die_with_parent
from factory.parts import write_atomically
from factory.progress import progress
from factory.recipe_file import ROOT
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.log import LOG, read_log

_PARENT: Final = "RETORT_PARENT_PID"
_POLL_S: Final = 0.2
_TAIL_LINES: Final = 25


def bind_to_parent() -> None:
    """End this process when the one that started it ends."""
    die_with_parent(int(os.environ.get(_PARENT, os.getppid())))


def run_training(job: TrainingJob) -> TrainingOutcome:
    """Train `job` in its own processes and wait; a finished training is not run again.

    Killed at any moment and called again, it continues from the last checkpoint; on CPU with the
    same number of ranks the weights are then bit for bit those of a run without a kill.

    Raises:
        TrainError: A rank refused its data, its checkpoint or its loss, died, or made no progress
            for `job.stall_timeout_s`; with the end of the ranks' output.
    """
    identity = digest(job.model_dump(exclude={"stall_timeout_s"}))
    finished = _finished(job, identity)
    if finished is not None:
        return finished
    job.work.mkdir(parents=True, exist_ok=True)
    for stale in [*job.work.glob("error-*.json"), job.work / "outcome.json"]:
        stale.unlink(missing_ok=True)
    for stale in job.out.glob(".model.*"):  # an export that a kill cut short
        shutil.rmtree(stale)
    write_atomically(job.work / "job.json", job.model_dump_json(indent=2).encode())
    output = job.work / "ranks.log"
    with open(output, "wb") as log:
        ranks = subprocess.Popen(
            _command(job),
            cwd=ROOT,
            env=_environment(job),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _watch(ranks, job)
        finally:
            _end(ranks)
    if code != 0:
        raise TrainError(_why(job, code, output))
    outcome = TrainingOutcome.model_validate_json((job.work / "outcome.json").read_bytes())
    write_atomically(
        job.work / "finished.json",
        json.dumps({"job": identity, "outcome": outcome.model_dump()}).encode(),
    )
    shutil.rmtree(job.out / "checkpoints", ignore_errors=True)
    return outcome


def _finished(job: TrainingJob, identity: str) -> TrainingOutcome | None:
    path = job.work / "finished.json"
    if not path.is_file() or not (job.out / "model" / "config.json").is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["job"] != identity:
        return None
    return TrainingOutcome.model_validate(content["outcome"])


def _command(job: TrainingJob) -> list[str]:
    return [
        *(sys.executable, "-m", "factory.train.launch"),
        *("--standalone", "--nproc-per-node", str(job.ranks), "--master-addr", "127.0.0.1"),
        *("-m", "factory.train.loop", str(job.work / "job.json")),
    ]


def _environment(job: TrainingJob) -> dict[str, str]:
    environment = {
        **os.environ,
        _PARENT: str(os.getpid()),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "DS_ACCELERATOR": job.device,
    }
    if job.device == "cpu":
        environment |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return environment


def _watch(ranks: subprocess.Popen[bytes], job: TrainingJob) -> int:
    """Wait for the ranks, showing each step; their exit code."""
    log = job.out / LOG
    shown = 0
    seen = (0, 0.0)
    moved = time.monotonic()
    with progress(f"train {job.out.name}", None, "steps") as bar:
        while (code := ranks.poll()) is None:
            time.sleep(_POLL_S)
            stat = log.stat() if log.is_file() else None
            now = (stat.st_size, stat.st_mtime) if stat else (0, 0.0)
            if now != seen:
                seen, moved = now, time.monotonic()
                lines = [line for line in read_log(job.out) if "loss" in line]
                if lines:
                    last = lines[-1]
                    bar.total = last["steps"]
                    bar.set_postfix_str(
                        f"loss {last['loss']:.4f}, {last['tokens_per_s']:.0f} tokens/s, "
                        f"{last['left_s']:.0f} s left",
                        refresh=False,
                    )
                    bar.update(max(0, last["step"] - shown))
                    shown = max(shown, last["step"])
            elif time.monotonic() - moved > job.stall_timeout_s:
                raise TrainError(
                    f"training in {job.out}: no progress for {job.stall_timeout_s:.0f} s, so its "
                    f"ranks were ended; the last checkpoint is kept, run again to continue, or "
                    f"raise training.stall_timeout_s in the machine file"
                )
    return code


def _end(ranks: subprocess.Popen[bytes]) -> None:
    """End the group of the ranks, whatever is left of it."""
    if ranks.poll() is None:
        os.killpg(ranks.pid, signal.SIGKILL)  # its ranks die with it
    ranks.wait()


def _why(job: TrainingJob, code: int, output: Path) -> str:
    errors = sorted(job.work.glob("error-*.json"))
    if errors:
        return str(json.loads(errors[0].read_text(encoding="utf-8"))["message"])
    tail = output.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
    return (
        f"training in {job.out}: a rank ended with an error (exit code {code}); the last "
        f"checkpoint is kept, run again to continue. The end of {output}:\n" + "\n".join(tail)
    )


def main() -> None:
    """torchrun, bound to the life of the process that started it."""
    bind_to_parent()
    os.environ[_PARENT] = str(os.getpid())  # the ranks are bound to this process
    from torch.distributed.run import main as torchrun

    torchrun(sys.argv[1:])


if __name__ == "__main__":
    main()
