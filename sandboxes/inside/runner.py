"""Process 1 of the container: forks each run from a warm interpreter and ends it completely.

It never reads a program, an input, a test or a result. It takes lengths and limits from the
host's headers; payloads are read by the processes that need them; what those write is passed on
through one buffer that is cleared before the next fork. So no run finds anything of another in
the memory that it inherits.

The host sends frames: a length (4 bytes, big-endian), a JSON header, then the payloads of the
processes that the header names. The answer is frames of one byte for the channel, a length
(4 bytes) and the bytes; the channel `Z` ends the answer with how the run ended. When the standard
input closes, the host is gone: the process exits, and the container with it.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import select
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

from sandboxes.inside import asserts, confine, program
from sandboxes.inside.channel import Ended, read_exactly, write_all

CHUNK_BYTES = 64 * 1024
RESULT_BYTES = 16 * 1024 * 1024
"""Most bytes of results that one run may send."""
EXTENSION = 2
"""A run that others kept from the cores gets at most so many times its wall time in addition."""
GRACE_S = 0.5
"""Time for the tests to finish after the program's process has ended."""
UIDS = 4096
"""Users of one container; each process of a run gets the next one."""

_HEADER = struct.Struct(">I")
_FRAME = struct.Struct(">cI")


class Desynchronised(Exception):  # noqa: N818 - named for what happened
    """A process ended before it had read its payload: this container cannot go on."""


class Process:
    """One process of a run, as process 1 sees it."""

    def __init__(self, role: str, pid: int, fds: dict[int, bytes]) -> None:
        self.role = role
        self.pid = pid
        self.fds = fds
        self.status: int | None = None

    def ending(self) -> dict[str, Any]:
        """Exit status or signal; both None while it runs."""
        if self.status is None:
            return {"role": self.role, "exit": None, "signal": None}
        killed = os.WIFSIGNALED(self.status)
        return {
            "role": self.role,
            "exit": None if killed else os.WEXITSTATUS(self.status),
            "signal": os.WTERMSIG(self.status) if killed else None,
        }


class Runner:
    """State of process 1."""

    def __init__(self, first_uid: int) -> None:
        self._first_uid = first_uid
        self._count = 0
        self.uids_used: set[int] = set()
        self._buffer = bytearray(CHUNK_BYTES)
        self._used = 0
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Answer runs until the host closes our input."""
        while True:
            try:
                (size,) = _HEADER.unpack(read_exactly(0, 4))
            except Ended:
                return
            self._run(json.loads(read_exactly(0, size)))

    def _run(self, header: dict[str, Any]) -> None:
        run = Run(self, header)
        try:
            groups = header["groups"]
            for position, group in enumerate(groups):
                run.execute(group)
                if run.stopped:
                    rest = [spawn["bytes"] for later in groups[position + 1 :] for spawn in later]
                    skip_input(sum(rest))
                    break
        finally:
            run.clean()
        self.send(b"Z", json.dumps(run.summary()).encode())

    def next_uid(self) -> int:
        self._count += 1
        return self._first_uid + self._count % UIDS

    def send(self, channel: bytes, data: bytes) -> None:
        write_all(1, _FRAME.pack(channel, len(data)), data)

    def pass_on(self, fd: int, channel: bytes, keep: bool) -> int:
        """Move what is ready from `fd` to the host; the count of bytes, 0 at the end, -1 later."""
        try:
            count = os.readv(fd, [self._buffer])
        except BlockingIOError:
            return -1
        self._used = max(self._used, count)
        if count and keep:
            write_all(1, _FRAME.pack(channel, count), memoryview(self._buffer)[:count])
        return count

    def clear_buffer(self) -> None:
        """Overwrite what went through the buffer, so that no fork inherits it."""
        self._buffer[: self._used] = bytes(self._used)
        self._used = 0

    def spawn(self, spawn: dict[str, Any], limits: dict[str, Any], link: int | None) -> Process:
        """Fork one process, and return when it has taken its payload."""
        self.clear_buffer()
        role, uid = spawn["role"], self.next_uid()
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        pid = os.fork()
        if pid == 0:
            files = confine.Files(None, pipes[0][1], pipes[1][1], pipes[2][1], link)
            status = 70
            try:
                status = _child(role, spawn["bytes"], files, limits, uid)
            finally:
                os._exit(status)
        for _, end in pipes:
            os.close(end)
        out, err, report = (start for start, _ in pipes)
        if os.read(report, 1) != b"+":
            raise Desynchronised(f"the {role} process ended before it had its payload")
        for fd in (out, err, report):
            os.set_blocking(fd, False)
        channels = (b"t", b"t", b"T") if role == "tests" else (b"O", b"E", b"R")
        self.uids_used.add(uid)
        return Process(role, pid, dict(zip((out, err, report), channels, strict=True)))

    def wait_for_news(self, fds: list[int], timeout_s: float) -> list[int]:
        """Descriptors that have something to read; earlier when a child ends."""
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(max(0, int(timeout_s * 1000) + 1))]
        if self._wake in ready:
            os.read(self._wake, 4096)
            ready.remove(self._wake)
        return ready


class Run:
    """One run: its processes, what they used, and why it was stopped."""

    def __init__(self, runner: Runner, header: dict[str, Any]) -> None:
        self._runner = runner
        self._limits: dict[str, Any] = header["limits"]
        self._started = time.monotonic()
        self._deadline = self._started + self._limits["wall_s"]
        self._output = 0
        self._results = 0
        self._cpu_s = 0.0
        self._endings: list[list[dict[str, Any]]] = []
        self._oom_kills = oom_kills()
        self.stopped: str | None = None

    def execute(self, group: list[dict[str, Any]]) -> None:
        """Run the processes of one group together, to the end of the last that matters."""
        left = max(1.0, self._limits["cpu_s"] - self._cpu_s)
        limits = dict(self._limits, cpu_s=left)
        links = _links(len(group))
        processes: list[Process] = []
        for spawn, link in zip(group, links, strict=True):
            processes.append(self._runner.spawn(spawn, limits, link))
        for link in links:
            if link is not None:
                os.close(link)
        self._watch(processes)
        self._reap_all(processes)
        for process in processes:
            self._drain(process)
            for fd in process.fds:
                os.close(fd)
        self._endings.append([process.ending() for process in processes])
        if self.stopped is None and self._cpu_s > self._limits["cpu_s"]:
            self.stopped = "cpu"
        self.clean()
        self._runner.send(b"G", b"")

    def _watch(self, processes: list[Process]) -> None:
        decisive = processes[-1]
        deadline = self._deadline
        while decisive.status is None and self.stopped is None:
            now = time.monotonic()
            if now >= deadline:
                if deadline != self._deadline:
                    return
                self._deadline = deadline = self._started + self._allowed_s(processes)
                if now >= deadline:
                    self.stopped = "wall"
                    return
            fds = {fd: process for process in processes for fd in process.fds}
            for fd in self._runner.wait_for_news(list(fds), deadline - now):
                self._take(fds[fd], fd)
            self._reap(processes, os.WNOHANG)
            if processes[0].status is not None and deadline == self._deadline:
                deadline = min(deadline, time.monotonic() + GRACE_S)

    def _allowed_s(self, processes: list[Process]) -> float:
        """The wall time of the run and what it spent waiting for a core that others had.

        A busy machine is no fault of the program. A run of many processes waits for itself and
        gets nothing; any other gets at most `EXTENSION` times its limit in addition.
        """
        wall_s = float(self._limits["wall_s"])
        if sum(name.name.isdigit() for name in Path("/proc").iterdir()) > 1 + len(processes):
            return wall_s
        waited_s = sum(waited_s_of(process.pid) for process in processes)
        return wall_s + min(waited_s, EXTENSION * wall_s)

    def _take(self, process: Process, fd: int) -> bool:
        """Pass on one chunk. False where there is no more for now."""
        channel = process.fds[fd]
        keep = channel != b"t" and (channel != b"O" or process.role == "script")
        count = self._runner.pass_on(fd, channel, keep)
        if count == 0:
            os.close(fd)
            del process.fds[fd]
        if count <= 0:
            return False
        if channel in (b"O", b"E"):
            self._output += count
            if self._output > self._limits["output_bytes"]:
                self.stopped = self.stopped or "output"
        else:
            self._results += count
            if self._results > RESULT_BYTES:
                self.stopped = self.stopped or "results"
        return self.stopped is None

    def _drain(self, process: Process) -> None:
        for fd in list(process.fds):
            while self.stopped is None and fd in process.fds and self._take(process, fd):
                pass

    def _reap(self, processes: list[Process], how: int) -> bool:
        """Reap what has ended. False where there is no child left."""
        while True:
            try:
                pid, status, used = os.wait4(-1, how)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._cpu_s += used.ru_utime + used.ru_stime
            for process in processes:
                if process.pid == pid:
                    process.status = status

    def _reap_all(self, processes: list[Process]) -> None:
        """Kill every process but this one, and reap until nothing is left."""
        alive = True
        while alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            alive = self._reap(processes, os.WNOHANG)
            if alive:
                self._runner.wait_for_news([], 0.01)

    def clean(self) -> None:
        """Leave nothing of the run: no process, no file."""
        self._reap_all([])
        if any(Path(confine.WORK).iterdir()):
            for uid in sorted(self._runner.uids_used):
                _wipe_as(uid)
            _wipe()
        self._runner.uids_used.clear()
        if any(Path(confine.WORK).iterdir()):
            raise OSError(errno.ENOTEMPTY, "files of a run cannot be removed", confine.WORK)

    def summary(self) -> dict[str, Any]:
        return {
            "stopped": self.stopped,
            "killed_for_memory": oom_kills() != self._oom_kills,
            "cpu_s": self._cpu_s,
            "wall_s": time.monotonic() - self._started,
            "endings": self._endings,
        }


def _child(role: str, size: int, files: confine.Files, limits: dict[str, Any], uid: int) -> int:
    """In the new process: take the payload, give up everything, do the work; its exit status."""
    payload = confine.take_payload(size, files.report)
    stdin = confine.stdin_of(payload.pop("stdin")) if role == "script" else None
    files = confine.Files(stdin, files.stdout, files.stderr, files.report, files.link)
    tests = role == "tests"
    bounds = confine.Confinement(
        uid=uid,
        cpu_s=limits["cpu_s"],
        memory_bytes=limits["memory_bytes"],
        oom_score_adj=500 if tests else 1000,
        folder="/" if tests else confine.WORK,
    )
    confine.enter(files, bounds)
    if role == "script":
        return program.run_script(payload["program"])
    if role == "calls":
        return program.run_calls(payload["program"], payload["entry_point"], payload["cases"])
    if role == "served":
        return program.serve_tests(payload["program"])
    return asserts.run_tests(payload["code"], payload["entry_point"])


def waited_s_of(pid: int) -> float:
    """How long a process was ready to run and had no core; 0 where the kernel does not say."""
    try:
        fd = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY)
        fields = os.read(fd, 128).split()
    except OSError:
        return 0.0
    os.close(fd)
    return int(fields[1]) / 1e9


def oom_kills() -> int:
    """How many processes the kernel has killed for the memory of this container."""
    for path in ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events"):
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        counts = os.read(fd, 4096).decode().split()
        os.close(fd)
        if "oom_kill" in counts:
            return int(counts[counts.index("oom_kill") + 1])
    return 0


def _links(count: int) -> list[int | None]:
    """One end of a socket per process where two work together; else none."""
    if count < 2:
        return [None] * count
    import socket

    first, second = socket.socketpair()
    return [first.detach(), second.detach()]


def skip_input(size: int) -> None:
    """Read and forget payloads that no process will need."""
    while size:
        size -= len(os.read(0, min(size, CHUNK_BYTES)))


def _wipe_as(uid: int) -> None:
    """Remove a user's files as that user: root here cannot enter its private folders."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            _wipe()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _wipe() -> None:
    """Remove what this user may remove below the working folder; `Run.clean` checks the rest."""
    for folder, folders, _ in os.walk(confine.WORK):
        for path in (Path(folder, name) for name in folders):
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(0o777)
    for folder, folders, files in os.walk(confine.WORK, topdown=False):
        for path in (Path(folder, name) for name in files + folders):
            with contextlib.suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()


def main(first_uid: int) -> None:
    """Warm up, say that we are ready, serve."""
    with open("/proc/self/uid_map") as file:
        users = int(file.read().split()[2])
    if users < 1 << 32:
        first_uid = 1024 + first_uid % max(1, users - 1024 - UIDS)
    # A mount point of the image decides its mode, whatever Docker was asked for.
    Path(confine.WORK).chmod(0o777)
    os.chdir("/")
    os.umask(0o077)
    sys.setrecursionlimit(1000 + 50)
    gc.collect()
    gc.freeze()
    gc.disable()
    runner = Runner(first_uid)
    runner.send(b"Z", json.dumps({"ready": sys.version.split()[0]}).encode())
    runner.serve()
