"""A training that is started in a process of its own, struck at a moment, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from factory.recipe_file import ROOT
from factory.train.job import TrainingJob
from factory.train.log import last_step
from factory.train.pulse import read_sign

_START: Final = (
    "import sys, pathlib; from factory.train.launch import run_training as run;"
    "from factory.train.job import TrainingJob as Job;"
    "run(Job.model_validate_json(pathlib.Path(sys.argv[1]).read_text()))"
)


class Killed:
    """Blows to a training; each starts it, waits for its moment, and leaves no process."""

    def __init__(self, job: TrainingJob, folder: Path) -> None:
        self._job = job
        self._path = folder / "job.json"
        self._path.write_text(job.model_dump_json())
        self.where: list[int] = []
        """The last logged step at each blow."""

    def step(self) -> int:
        """The last step that the log has."""
        line = last_step(self._job.out)
        return 0 if line is None else line["step"]

    def parent(self, *, when: Callable[[], bool]) -> None:
        """Kill who started it; its ranks die with it."""
        parent = self._struck(when, lambda parent: parent.pid)
        assert parent.returncode == -signal.SIGKILL

    def a_rank(self, *, when: Callable[[], bool]) -> None:
        """Kill rank 1; the others and who started them end by themselves."""
        parent = self._struck(when, lambda _: self._pid_of(1))
        assert parent.returncode == 1

    def _struck(
        self, when: Callable[[], bool], whom: Callable[[psutil.Popen], int]
    ) -> psutil.Popen:
        parent = psutil.Popen(
            [sys.executable, "-c", _START, str(self._path)], cwd=ROOT, stderr=subprocess.PIPE
        )
        try:
            last = self._job.ranks - 1
            # an earlier run's signs are there until this one removes them
            _wait_for(lambda: self._pid_of(last) in _below(parent), parent)
            _wait_for(when, parent)
            family = parent.children(recursive=True)
            assert len(family) > self._job.ranks
            os.kill(whom(parent), signal.SIGKILL)
            parent.communicate(timeout=60)
        finally:
            if parent.is_running():
                parent.kill()
        self.where.append(self.step())
        assert not psutil.wait_procs(family, timeout=10)[1]
        return parent

    def _pid_of(self, rank: int) -> int:
        """The process that last gave a sign as this rank; 0 where there is none."""
        words = read_sign(self._job.work / "ranks" / str(rank)).split()
        return int(words[1]) if len(words) == 3 else 0


def in_a_save(job: TrainingJob) -> bool:
    """Whether a checkpoint is being written just now."""
    return any(
        not (path / "complete.json").exists() for path in (job.out / "checkpoints").glob("step-*")
    )


def _below(parent: psutil.Popen) -> set[int]:
    return {one.pid for one in parent.children(recursive=True)}


def _wait_for(true: Callable[[], bool], parent: psutil.Popen) -> None:
    while not true():
        if parent.poll() is not None:
            raise AssertionError(parent.communicate()[1].decode())
        time.sleep(0.002)
