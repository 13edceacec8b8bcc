"""What the container uses, as the kernel counts it (cgroups of version 1 or 2)."""

from __future__ import annotations

import os
import time

MARGIN_BYTES = 128 * 1024 * 1024
"""More than one core can fill between two looks."""
_ROOT = "/sys/fs/cgroup"


class Usage:
    """The counters of this container; where the kernel shows none, they stay at zero."""

    def __init__(self, memory_bytes: int) -> None:
        """`memory_bytes`: the limit of the container."""
        self._most = memory_bytes - min(memory_bytes // 8, MARGIN_BYTES)
        self._memory = _open("memory.current", "memory/memory.usage_in_bytes")
        self._stat = _open("memory.stat", "memory/memory.stat")
        self._oom = _open("memory.events", "memory/memory.oom_control")
        self._cpu = _open("cpu.stat", "cpuacct/cpuacct.usage")

    def oom_kills(self) -> int:
        """How many processes the kernel has killed for the memory of this container."""
        return _field(_read(self._oom), b"oom_kill")

    def cpu_s(self) -> float:
        """Processor time of every process that ever was in this container, but for this one."""
        text = _read(self._cpu)
        microseconds = _field(text, b"usage_usec")
        used_s = microseconds / 1e6 if microseconds else int(text or b"0") / 1e9
        return used_s - time.process_time()

    def is_nearly_out_of_memory(self) -> bool:
        """Whether what cannot be given back, that of no process too, is near the limit.

        Memory of files in memory, sockets and pipes is no process's: where the kernel runs out it
        may end this process instead, which is the largest.
        """
        used = int(_read(self._memory) or b"0")
        if used < self._most:
            return False
        text = _read(self._stat)
        cached = sum(
            _field(text, b"total_" + name) or _field(text, name)
            for name in (b"active_file", b"inactive_file")
        )
        return used - cached > self._most


def _open(*names: str) -> int | None:
    for name in names:
        path = f"{_ROOT}/{name}"
        if os.access(path, os.R_OK):
            return os.open(path, os.O_RDONLY)
    return None


def _read(fd: int | None) -> bytes:
    return b"" if fd is None else os.pread(fd, 8192, 0)


def _field(text: bytes, name: bytes) -> int:
    words = text.split()
    return int(words[words.index(name) + 1]) if name in words else 0
