"""Watching the ranks of a training from the process that started them.

What counts as progress is said in `factory.train.pulse`. A training is ended when
- a rank's sign of life stands still for `stall_timeout_s`, in whatever phase, or does not begin in
  ten times as long;
- no step is done in `stall_timeout_s`, where steps are what the ranks do;
- another phase (start with the first step, evaluation, saving, export) takes ten times as long.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from factory.errors import TrainError
from factory.shown.progress import Bar, progress
from factory.train.job import TrainingJob
from factory.train.log import last_step
from factory.train.pulse import long_wait_s, read_sign

_POLL_S: Final = 0.2
_LOOK_S: Final = 1.0
_GB: Final = 10**9
_TAIL_BYTES: Final = 1 << 14


@dataclass(frozen=True)
class Ending:
    """How the launcher ended."""

    code: int
    """Its exit code; where one of several hosts failed, that host's."""
    gone: int | None
    """The first rank on this host whose process was not there any more."""


def watch(launcher: subprocess.Popen[bytes], job: TrainingJob, output: Path) -> Ending:
    """Wait for the launcher of the ranks, showing each step.

    Args:
        output: Of the launcher and all ranks.

    Raises:
        TrainError: There is no progress.
    """
    signs = Signs(job)
    shown = 0
    with progress(f"train {job.out.name}", None, "steps") as bar:
        while (code := launcher.poll()) is None:
            time.sleep(_POLL_S)
            still = signs.look()
            if still is not None:
                raise TrainError(
                    f"training in {job.out}: {still}, so its ranks were ended; the last "
                    f"checkpoint is kept, run again to continue, or raise "
                    f"training.stall_timeout_s in the machine file"
                )
            if signs.moved:
                shown = _show(bar, job, shown)
            failed = _failed_host(output) if job.hostfile else None
            if failed is not None:
                return Ending(failed, signs.gone)
        _show(bar, job, shown)
    return Ending(code, signs.gone)


def _failed_host(output: Path) -> int | None:
    """The highest exit code that pdsh tells of a host, while it waits for the others for as long
    as they wait for that host."""
    with open(output, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        found = re.findall(rb"^pdsh@\S+ .*exited with exit code ([1-9]\d*)$", file.read(), re.M)
    return max(map(int, found), default=None)


class Signs:
    """The ranks' signs of life, as seen from here; only this process' clock counts."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job
        now = time.monotonic()
        self._phase: tuple[str, float] = ("", now)
        self._ranks: dict[int, tuple[str, float]] = dict.fromkeys(range(job.ranks), ("", now))
        self._look_s = now
        self._host = socket.gethostname()
        self.gone: int | None = None
        """The first rank on this host whose process was not there any more."""
        self.moved = False
        """There was a step, or another phase, since the look before."""

    def look(self) -> str | None:
        """What stands still for too long, if anything does."""
        now = time.monotonic()
        if self.gone is None:
            self.gone = next(filter(self._is_gone, self._ranks), None)
        phase = read_sign(self._job.work / "phase")
        self.moved = phase not in ("", self._phase[0])
        if self.moved:
            self._phase = (phase, now)
        name = self._phase[0].partition(" ")[0] or "start"
        limit_s = self._limit_s(name != "steps")
        if now - self._phase[1] > limit_s:
            what = "no step" if name == "steps" else f"no progress in the phase '{name}'"
            return f"{what} for {limit_s:.0f} s"
        if now >= self._look_s:
            self._look_s = now + _LOOK_S
            return self._still_rank(now)
        return None

    def _still_rank(self, now: float) -> str | None:
        for rank, (before, since) in self._ranks.items():
            sign = read_sign(self._job.work / "ranks" / str(rank))
            if sign not in ("", before):
                self._ranks[rank] = (sign, now)
            elif now - since > (limit_s := self._limit_s(before == "")):
                where = f" on {before.split()[0]}" if before else ""
                return f"no sign of life from rank {rank}{where} for {limit_s:.0f} s"
        return None

    def _is_gone(self, rank: int) -> bool:
        sign = self._ranks[rank][0].split()
        if sign[:1] != [self._host]:
            return False
        try:
            return psutil.Process(int(sign[1])).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def _limit_s(self, is_long: bool) -> float:
        stall_s = self._job.stall_timeout_s
        return long_wait_s(stall_s) if is_long else stall_s


def _show(bar: Bar, job: TrainingJob, shown: int) -> int:
    """Show the last step of the log; how many steps are shown then."""
    line = last_step(job.out)
    if line is None:
        return shown
    bar.total = line["steps"]
    bar.set_postfix_str(step_text(line), refresh=False)
    bar.update(max(0, line["step"] - shown))
    return max(shown, line["step"])


def step_text(line: dict[str, Any]) -> str:
    """A step's line of the log for people."""
    mfu = "" if line["mfu"] is None else f"MFU {line['mfu']:.1%}, "
    left_s = round(line["left_s"])
    hours, minutes = divmod(left_s // 60, 60)
    left = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{left_s} s"
    return (
        f"loss {line['loss']:.4f}, {line['tokens_per_s']:,.0f} tokens/s, {mfu}"
        f"gradient {line['grad_norm']:.3g}, {line['memory_bytes'] / _GB:.2f} GB, "
        f"{left} left"
    )
