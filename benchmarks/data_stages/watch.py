"""What a command and all processes below it take: time, processor time, memory.

Memory is the sum of proportional set sizes, so that pages which processes share count once. Pages
of files that are mapped count in `peak_bytes` too; `peak_anonymous_bytes` is what cannot be given
back to the system.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_EVERY_S: Final = 0.25
_KIB: Final = 1024


@dataclass(frozen=True)
class Took:
    """Of one command."""

    wall_s: float
    cpu_s: float
    """Of all processes."""
    peak_bytes: int
    peak_anonymous_bytes: int


def watched(command: Sequence[str | Path]) -> Took:
    """Run a command to its end.

    Raises:
        SystemExit: It failed.
    """
    begun_s = time.perf_counter()
    process = subprocess.Popen(command)
    peak = _Peak(process.pid)
    with peak:
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {process.returncode}")
    return Took(
        wall_s=time.perf_counter() - begun_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=peak.whole,
        peak_anonymous_bytes=peak.anonymous,
    )


class _Peak:
    """Looks at a process and those below it now and then; a context manager."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.whole = self.anonymous = 0

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_EVERY_S):
            whole = anonymous = 0
            for pid in _family(self._pid):
                one, other = _sizes(pid)
                whole, anonymous = whole + one, anonymous + other
            self.whole = max(self.whole, whole)
            self.anonymous = max(self.anonymous, anonymous)


def _family(pid: int) -> list[int]:
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [pid, *(one.pid for one in below)]


def _sizes(pid: int) -> tuple[int, int]:
    """Proportional bytes of a process, and those of them that no file holds."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0, 0  # it has just ended
    sizes = {line.split(":")[0]: int(line.split()[1]) * _KIB for line in lines[1:]}
    return sizes.get("Pss", 0), sizes.get("Pss_Anon", 0) + sizes.get("Pss_Shmem", 0)
