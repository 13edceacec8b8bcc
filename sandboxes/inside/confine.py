"""Turn a fresh fork of the warm interpreter into an unprivileged, limited process.

Each process of a run reads its own payload from the container's standard input, while it is still
ours, and closes it before anything of the program runs. So the warm interpreter that every later
run is forked from never holds a program, an input, a test or a result.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass
from typing import Any

from sandboxes.inside.channel import read_exactly

REPORT_FD = 3
LINK_FD = 4
WORK = "/work"
PROCESSES = 64
"""Processes and threads of one run."""
FILE_BYTES = 64 * 1024 * 1024
OPEN_FILES = 256
STACK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Files:
    """File descriptors of the new process; `link` leads to its partner in `asserts`."""

    stdin: int | None
    stdout: int
    stderr: int
    report: int
    link: int | None


@dataclass(frozen=True)
class Confinement:
    """Who the new process is and what it may use."""

    uid: int
    cpu_s: float
    memory_bytes: int
    oom_score_adj: int
    folder: str


def take_payload(size: int, report: int) -> dict[str, Any]:
    """Read our payload, then say on `report` that the input is free for the next reader."""
    payload: dict[str, Any] = json.loads(read_exactly(0, size))
    os.write(report, b"+")
    return payload


def stdin_of(text: str) -> int:
    """A file in memory that holds a case's input, open at its start."""
    fd = os.memfd_create("stdin")
    data = memoryview(text.encode("utf-8", "surrogatepass"))
    while data:
        data = data[os.write(fd, data) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def enter(files: Files, bounds: Confinement) -> None:
    """Rearrange the descriptors, set the limits, drop every privilege. There is no way back."""
    _arrange(files)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _write("/proc/self/oom_score_adj", f"{bounds.oom_score_adj}")
    os.chdir(bounds.folder)
    _limit(bounds)
    os.setgroups([])
    os.setresgid(bounds.uid, bounds.uid, bounds.uid)
    os.setresuid(bounds.uid, bounds.uid, bounds.uid)
    os.setsid()
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    gc.enable()


def _arrange(files: Files) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    wanted = [files.stdin, files.stdout, files.stderr, files.report, files.link]
    # First above all targets, so that no target is overwritten before it was copied.
    safe = [_above(null if fd is None else fd) for fd in wanted]
    for target, fd in enumerate(safe):
        os.dup2(fd, target, inheritable=target < REPORT_FD)
    os.closerange(LINK_FD + 1, OPEN_FILES)
    if files.link is None:
        os.close(LINK_FD)


def _above(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64)


def _limit(bounds: Confinement) -> None:
    memory = bounds.memory_bytes + _own_bytes()
    cpu = max(1, int(-(-bounds.cpu_s // 1)))
    for what, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_NPROC, PROCESSES, PROCESSES),
        (resource.RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_STACK, STACK_BYTES, STACK_BYTES),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))


def _own_bytes() -> int:
    """Address space that the interpreter itself uses already."""
    fd = os.open("/proc/self/statm", os.O_RDONLY)
    pages = int(os.read(fd, 64).split()[0])
    os.close(fd)
    return pages * resource.getpagesize()


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)
