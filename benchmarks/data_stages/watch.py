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

from .process_sizes import family, sizes

_EVERY_S: Final = 0.25


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
            found = [sizes(pid) for pid in family(self._pid)]
            self.whole = max(self.whole, sum(one.proportional for one in found))
            self.anonymous = max(self.anonymous, sum(one.anonymous for one in found))
