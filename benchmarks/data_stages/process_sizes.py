"""What processes take of the machine's memory, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import psutil

_KIB: Final = 1024


class Sizes(NamedTuple):
    """Of one process, in bytes; all 0 where it has ended."""

    resident: int = 0
    """Pages that it shares with others count whole."""
    proportional: int = 0
    """Each of these counts by its share."""
    anonymous: int = 0
    """Of the proportional, what no file holds, so that it cannot be given back to the system."""


def family(pid: int) -> list[int]:
    """A process and all below it; none where it has ended."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [pid, *(one.pid for one in below)]


def sizes(pid: int) -> Sizes:
    """Of one process."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return Sizes()  # it has just ended
    found = {line.split(":")[0]: int(line.split()[1]) * _KIB for line in lines[1:]}
    anonymous = found.get("Pss_Anon", 0) + found.get("Pss_Shmem", 0)
    return Sizes(found.get("Rss", 0), found.get("Pss", 0), anonymous)
