"""What a run that was killed leaves of its local Ray, ended: a small process beside the run.

Ray's daemons end with the process that started them, by the kernel; their own helpers notice it a
minute later. `python -I left_behind.py FOLDER PID:START…` waits until its standard input closes,
which it does when the run ends in whatever way, then kills those of the processes that are still
there and removes the folder. It uses the standard library alone and imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.1
_WAIT_S: Final = 10.0
"""For killed processes to be gone, so that none writes into the folder any more."""


def identity(pid: int) -> str:
    """`PID:START`, the start in clock ticks since boot; empty where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold spaces
    return "" if fields[0] == "Z" else f"{pid}:{fields[19]}"


def end(identities: list[str]) -> None:
    """Kill those processes that are still the ones meant; return when they are gone."""
    for one in identities:
        pid = int(one.partition(":")[0])
        if identity(pid) == one:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline and any(
        identity(int(one.partition(":")[0])) == one for one in identities
    ):
        time.sleep(_POLL_S)


def main() -> None:
    """Wait for the end of standard input, then clear up."""
    while os.read(0, 1):
        pass
    folder, *identities = sys.argv[1:]
    end(identities)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
