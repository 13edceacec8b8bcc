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
_WAIT_S: Final = 20.0
"""For processes that are killed to be gone."""


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
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        alive = [pid for pid in map(_pid, identities) if identity(pid) in identities]
        if not alive:
            return
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def remove(folder: Path) -> None:
    """Remove a folder, and end what is at work in it.

    A worker that was just about to start looks for its daemon for half a minute, and makes the
    folder anew for its log.
    """
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline and (folder.exists() or _named(folder)):
        end(_named(folder))
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_POLL_S)


def _named(folder: Path) -> list[str]:
    """The other processes in whose command the folder stands."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if f"{folder}/".encode() in (entry / "cmdline").read_bytes():
                found.append(identity(int(entry.name)))
    return [one for one in found if one]


def _pid(identity: str) -> int:
    return int(identity.partition(":")[0])


def main() -> None:
    """Wait for the end of standard input, then clear up."""
    while os.read(0, 1):
        pass
    folder, *identities = sys.argv[1:]
    end(identities)
    remove(Path(folder))


if __name__ == "__main__":
    main()
