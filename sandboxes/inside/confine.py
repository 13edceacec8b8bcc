"""Turn a fresh fork of the warm interpreter into an unprivileged, limited process.

Each process of a run reads its own payload from the connection, while it is still ours, and
closes it before anything of the program runs. So the warm interpreter that every later run is
forked from never holds a program, an input, a test or a result.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
import resource
import sys

from sandboxes.inside.channel import loads, read_exactly

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from typing import Any

signals: Any = importlib.import_module("_signal")
"""The module below `signal`: as fast as the system calls, since it makes no enums."""

REPORT_FD = 3
EXTRA_FD = 4
"""The link between a program and its tests, or the compiled program or source to be executed."""
WORK = "/work"
PROCESSES = 64
"""Processes and threads of one run."""
FILE_BYTES = 64 * 1024 * 1024
OPEN_FILES = 256
FDS = 1 << 16
"""More than process 1 ever has."""
STACK_BYTES = 64 * 1024 * 1024


class Files:
    """File descriptors of a new process, those of process 1 above the ones that they become."""

    def __init__(self, stdout: int, stderr: int, report: int, link: int | None) -> None:
        self.stdin: int | None = None
        self.stdout = stdout
        self.stderr = stderr
        self.report = report
        self.link = link
        self.artifact: int | None = None
        self.is_source = False


def prepare(first_free: int) -> tuple[int, int]:
    """What need not be done after each fork; the connection's input and output, moved up.

    The standard streams are made here once: they are those of every program, since descriptors
    0 to 2 are the program's own before it starts.
    """
    ends = moved_above(0, first_free), moved_above(1, first_free)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    # Nothing of ours ever stands below but our own stream of errors.
    null = os.open("/dev/null", os.O_RDWR)
    for low in range(first_free):
        if low not in (2, null):
            os.dup2(null, low, inheritable=low == 0)
    for what, most in (
        (resource.RLIMIT_NPROC, PROCESSES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(what, (most, most))
    # Threads of what is executed take their stacks' size from the soft limit; all of it is within
    # the limit of the address space.
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, hard))
    os.setgroups([])
    return ends


def moved_above(fd: int, first_free: int) -> int:
    """The descriptor under a number of at least `first_free`, not inherited by other programs."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, first_free)


def take_payload(connection: int, size: int, report: int) -> dict[str, Any]:
    """Read our payload, then say on `report` that the connection is free for the next reader."""
    payload: dict[str, Any] = loads(read_exactly(connection, size))
    os.write(report, b"+")
    return payload


def memory_file(name: str, text: str) -> int:
    """A file in memory that holds a text, open at its start."""
    fd = os.memfd_create(name)
    data = memoryview(text.encode("utf-8", "surrogatepass"))
    while data:
        data = data[os.write(fd, data) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def enter(files: Files, *, uid: int, cpu_s: float, address_bytes: int) -> None:
    """Rearrange the descriptors, set the limits, drop every privilege. There is no way back."""
    if files.stdin is not None:
        os.dup2(files.stdin, 0)
    os.dup2(files.stdout, 1)
    os.dup2(files.stderr, 2)
    # Others than their owner may open them too, by the name of /dev/stdout.
    os.fchmod(1, 0o222)
    os.fchmod(2, 0o222)
    os.dup2(files.report, REPORT_FD, inheritable=False)
    if files.link is not None:
        os.dup2(files.link, EXTRA_FD, inheritable=False)
    elif files.artifact is not None:
        os.dup2(files.artifact, EXTRA_FD, inheritable=files.is_source)
    else:
        os.close(EXTRA_FD)
    os.closerange(EXTRA_FD + 1, FDS)
    signals.set_wakeup_fd(-1)
    signals.signal(signals.SIGCHLD, signals.SIG_DFL)
    signals.pthread_sigmask(signals.SIG_SETMASK, ())
    # Where memory runs out, the kernel takes a program and never process 1.
    oom = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(oom, b"1000")
    os.close(oom)
    cpu = max(1, int(-(-cpu_s // 1)))
    resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.setsid()
    gc.enable()


def own_bytes() -> int:
    """Address space that the interpreter itself uses: a program's limit is beyond it."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
