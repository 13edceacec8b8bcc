"""Signs of life of a training, as small files in `work/`, so that they reach other hosts too.

- `phase`: by rank 0, `NAME COUNT`. `steps` counts optimizer steps; `start` (loading, the first
  step and what is compiled in it), `evaluate`, `save` and `export` may take long.
- `ranks/N`: by a thread of rank N every few seconds, `HOST PID COUNT`. It stands still when the
  rank is stopped or its host is gone.
- `lease`: by the parent, `RUN COUNT`, where ranks run on other hosts. A rank ends itself when it
  stands still for `LEASE_S` (the parent is gone), or names another run.

What counts as progress: in `steps`, a step; in the other phases a change of phase, which may take
ten times as long. The waits of ranks for each other have the same limits, so that ranks which
no parent watches (`factory.train.join`) stop too. Each file is written in place and read by
opening it, which network file systems answer with its newest content.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from factory.train.job import TrainingJob

LEASE: Final = "RETORT_LEASE"
"""Environment: which run the ranks belong to; not there where they die with their parent."""
LEASE_S: Final = 30.0
PARENT: Final = "RETORT_PARENT_PID"
"""Environment: the process whose death ends this one."""
_BEAT_S: Final = 5.0
_LONG: Final = 10
_PARENT_FIRST_S: Final = 5.0
"""A parent that watches notices first, and says it better."""


def long_wait_s(stall_timeout_s: float) -> float:
    """How long a phase may take in which there are no steps."""
    return _LONG * stall_timeout_s


def limit_waits(timeout_s: float) -> None:
    """From here on a collective operation that takes longer fails, in every process group.

    With gloo it raises; with NCCL its watchdog ends the process.
    """
    from torch.distributed import distributed_c10d

    c10d: Any = distributed_c10d
    if not c10d.is_initialized():
        return
    for group in list(c10d._world.pg_map):
        c10d._set_pg_timeout(datetime.timedelta(seconds=timeout_s), group)


class Pulse:
    """The signs of life of one rank, from here to the end of its process."""

    def __init__(self, job: TrainingJob, rank: int) -> None:
        self._work = job.work
        self._rank = rank
        self._stall_s = job.stall_timeout_s
        self._phase = "start"
        self._count = 0
        (self._work / "ranks").mkdir(parents=True, exist_ok=True)
        self._tell()
        self._over = threading.Event()
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """The training is over, in this rank."""
        self._over.set()

    def stepped(self) -> None:
        """A step is done; the first one ends the start."""
        if self._phase == "start":
            self._phase = "steps"
            limit_waits(self._limit_s())
        self._tell()

    @contextlib.contextmanager
    def long(self, phase: str) -> Generator[None]:
        """Work of all ranks that may take long."""
        before, self._phase = self._phase, phase
        limit_waits(self._limit_s())
        self._tell()
        yield
        self._phase = before
        limit_waits(self._limit_s())
        self._tell()

    def _limit_s(self) -> float:
        if self._phase != "steps":
            return long_wait_s(self._stall_s)
        return self._stall_s + (_PARENT_FIRST_S if _has_parent() else 0.0)

    def _tell(self) -> None:
        self._count += 1
        if self._rank == 0:
            write_sign(self._work / "phase", f"{self._phase} {self._count}")

    def _beat(self) -> None:
        mine = self._work / "ranks" / str(self._rank)
        who = f"{socket.gethostname()} {os.getpid()}"
        lease = _Lease(self._work / "lease", os.environ[LEASE]) if LEASE in os.environ else None
        count = 0
        while not self._over.is_set():
            count += 1
            write_sign(mine, f"{who} {count}")
            if lease is not None and lease.is_over():
                os.write(2, f"rank {self._rank}: the parent of this run is gone\n".encode())
                os._exit(1)
            self._over.wait(min(_BEAT_S, self._stall_s / 4))


def _has_parent() -> bool:
    return PARENT in os.environ or LEASE in os.environ


class _Lease:
    """Whether the parent is still there."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path, run
        self._seen = ""
        self._changed_s = time.monotonic()

    def is_over(self) -> bool:
        now = time.monotonic()
        content = read_sign(self._path)
        if content not in ("", self._seen):
            self._seen, self._changed_s = content, now
        other = self._seen != "" and self._seen.split()[0] != self._run
        return other or now - self._changed_s > LEASE_S


def write_sign(path: Path, content: str) -> None:
    """Tell others; a disk that is full is told by what needs it more."""
    with contextlib.suppress(OSError):
        path.write_text(content, encoding="utf-8")


def read_sign(path: Path) -> str:
    """What a file of signs says; empty where it is not there, or just being written."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
