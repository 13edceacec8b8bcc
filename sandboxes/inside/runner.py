"""Process 1 of the container: forks each step of a run from a warm interpreter and ends it.

It never reads a program, an input, a test or a result. It takes lengths and limits from the
host's headers; payloads are read by the processes that need them; what those write is passed on
through one buffer that is cleared at the end of the run. So no run finds anything of another in
the memory that it inherits.

The host sends frames: a length (4 bytes, big-endian), a JSON header, then the payloads of the
steps that the header names. The answer is frames of one byte for the channel, a length (4 bytes)
and the bytes; the channel `Z` ends the answer with how the run ended. When the connection closes,
the host is gone: the process exits, and the container with it.

Most programs end within milliseconds, so a fork must be cheap: after it, each page that either
side writes is copied. Hence process 1 sleeps while a short program runs, and the host is told of
a whole run by one write.
"""

from __future__ import annotations

import _socket
import errno
import gc
import os
import select
import struct
import sys
import time

from sandboxes.inside import asserts, confine, native, program
from sandboxes.inside.channel import Ended, dumps, loads, read_exactly, write_all
from sandboxes.inside.confine import signals
from sandboxes.inside.rehearsal import rehearse
from sandboxes.inside.usage import Usage
from sandboxes.inside.wipe import wipe, wipe_as

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from typing import Any

CHUNK_BYTES = 64 * 1024
OUTBOX_BYTES = 4 * CHUNK_BYTES
RESULT_BYTES = 4 * 1024 * 1024
"""Most bytes of results that one run may send: the host reads them all."""
EXTENSION = 2
"""A run that others kept from the cores gets at most so many times its wall time in addition."""
QUIET_S = 0.02
"""So long a step runs before it is watched, and then from one look at what it uses to the next."""
UIDS = 4096
"""Users of one container; each step of a run is the next one."""
LINKS = 16
"""Sockets that are made and handed over at a time, one for each run of `asserts`."""
LOW_FDS = 10
"""Descriptors below belong to programs; those of process 1 stand above."""

_HEADER = struct.Struct(">I")
_FRAME = struct.Struct(">cI")
_CHILD = frozenset({signals.SIGCHLD})


class Desynchronised(Exception):  # noqa: N818 - named for what happened
    """A process ended before it had read its payload: this container cannot go on."""


class Outbox:
    """Frames for the host, sent in as few writes as they fit into."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = memoryview(bytearray(OUTBOX_BYTES))
        self._end = 0
        self._used = 0

    def put(self, channel: bytes, data: bytes) -> None:
        """Add a frame."""
        if len(data) > CHUNK_BYTES:
            self.flush()
            write_all(self._fd, _FRAME.pack(channel, len(data)), data)
            return
        self._make_room()
        end = self._end + _FRAME.size
        self._data[self._end : end] = _FRAME.pack(channel, len(data))
        self._data[end : end + len(data)] = data
        self._end = end + len(data)
        self._used = max(self._used, self._end)

    def take(self, fd: int, channel: bytes, keep: bool) -> int:
        """Move what is ready in `fd` into a frame; the count of bytes, 0 at the end."""
        self._make_room()
        start = self._end + _FRAME.size
        count = os.readv(fd, [self._data[start : start + CHUNK_BYTES]])
        self._used = max(self._used, start + count)
        if keep and count:
            self._data[self._end : start] = _FRAME.pack(channel, count)
            self._end = start + count
        return count

    def flush(self) -> None:
        """Send what is there and overwrite it, so that no later fork inherits it."""
        write_all(self._fd, self._data[: self._end])
        self._data[: self._used] = bytes(self._used)
        self._end = self._used = 0

    def _make_room(self) -> None:
        if self._end > OUTBOX_BYTES - CHUNK_BYTES - _FRAME.size:
            self.flush()


class Runner:
    """State of process 1."""

    def __init__(
        self,
        ends: tuple[int, int],
        first_uid: int,
        partner: _socket.socket | None,
        hooks: list[Any],
        memory_bytes: int,
    ) -> None:
        """`ends`: descriptors to read requests from and to write answers to; `memory_bytes`: of
        the whole container."""
        self.input, output = ends
        self.partner = partner
        self._links: list[int] = []
        self.hooks = hooks
        self.outbox = Outbox(output)
        self.own_bytes = confine.own_bytes()
        self._first_uid = first_uid
        self._count = 0
        self.usage = Usage(memory_bytes)
        self.oom_kills = self.usage.oom_kills()
        self.wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signals.signal(signals.SIGCHLD, lambda *_: None)
        signals.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signals.pthread_sigmask(signals.SIG_BLOCK, _CHILD)

    def serve(self) -> None:
        """Answer runs until the host closes the connection."""
        while True:
            try:
                (size,) = _HEADER.unpack(read_exactly(self.input, 4))
            except Ended:
                return
            header = loads(read_exactly(self.input, size))
            if "listen" in header:
                self._meet_partner(header["listen"])
            else:
                Run(self, header).execute()

    def _meet_partner(self, name: str) -> None:
        """Wait for the container of the tests; no program runs meanwhile."""
        server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        server.bind(f"\0{name}")
        server.listen(1)
        self.outbox.put(b"Z", b'{"listening":true}')
        self.outbox.flush()
        accepted, _ = server._accept()  # type: ignore[attr-defined]
        server.close()
        self.partner = _socket.socket(fileno=accepted)

    def next_uid(self) -> int:
        """A user that no recent step was."""
        self._count += 1
        return self._first_uid + self._count % UIDS

    def link_for(self, role: str) -> int | None:
        """One end of a fresh socket between the step of a program and the step of its tests.

        The process 1 of the program's container makes such sockets, some at a time, and hands
        their other ends to that of the tests' container, which takes them in the same order.
        """
        if role not in ("served", "tests"):
            return None
        if not self._links:
            assert self.partner is not None, "a container without a partner got half a run"
            self._links = _made_links(self.partner) if role == "served" else _given(self.partner)
        return self._links.pop()


class Run:
    """One run: its steps one after the other, what they used, and why it was stopped."""

    def __init__(self, runner: Runner, header: dict[str, Any]) -> None:
        self._runner = runner
        self.limits: dict[str, Any] = header["limits"]
        self._steps: list[dict[str, Any]] = header["steps"]
        self.left_s = float(self.limits["wall_s"])
        self.extension_s = EXTENSION * self.left_s
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self.output = 0
        self.results = 0
        self.endings: list[dict[str, Any]] = []
        self.artifact: int | None = None
        self.stopped: str | None = None

    def execute(self) -> None:
        """Run every step, leave nothing of them, and send the answer."""
        runner = self._runner
        for position, spec in enumerate(self._steps):
            Step(self, runner, spec).execute()
            failed = spec["role"] == "compile" and self.artifact is None
            if self.stopped is not None or failed:
                skip_input(runner.input, sum(s["bytes"] for s in self._steps[position + 1 :]))
                break
        kills = runner.usage.oom_kills()
        summary = {
            "stopped": self.stopped,
            "killed_for_memory": kills != runner.oom_kills,
            "cpu_s": self.cpu_s,
            "wall_s": self.wall_s,
            "endings": self.endings,
        }
        if self._steps[0]["role"] == "compile":
            summary["artifact"] = self.artifact is not None
        if self.artifact is not None:
            os.close(self.artifact)
        runner.oom_kills = kills
        runner.outbox.put(b"Z", dumps(summary))
        runner.outbox.flush()


class Step:
    """One process of a run, and whatever it starts."""

    def __init__(self, run: Run, runner: Runner, spec: dict[str, Any]) -> None:
        self._run = run
        self._runner = runner
        self._role: str = spec["role"]
        self._bytes: int = spec["bytes"]
        self._limits: dict[str, Any] = dict(run.limits, **spec.get("limits", {}))
        # A step with limits of its own (the compiler) leaves those of the run untouched.
        self._shared = "limits" not in spec
        self._cpu_s = 0.0
        self._output = 0
        self._hidden_s = 0.0
        self._waited_s = 0.0
        self._status: int | None = None
        self._pid = 0
        self._report = -1
        self._unneeded: list[int] = []
        self._has_payload = False
        self._fds: dict[int, bytes] = {}

    def execute(self) -> None:
        """Start, watch and end the process; add to the run how it went."""
        run = self._run
        started = time.monotonic()
        uid = self._runner.next_uid()
        self._start(uid)
        allowed_s = run.left_s if self._shared else float(self._limits["wall_s"])
        self._watch(started, max(0.0, allowed_s))
        self._end_all()
        self._drain()
        took_s = time.monotonic() - started
        self._cpu_s = max(self._cpu_s, self._hidden_s)
        if self._shared:
            run.left_s -= took_s - self._waited_s
            run.extension_s -= self._waited_s
            run.wall_s += took_s
            run.cpu_s += self._cpu_s
            run.output += self._output
            used_s = run.cpu_s
        else:
            used_s = self._cpu_s
        if run.stopped is None and used_s > self._limits["cpu_s"]:
            run.stopped = "cpu"
        ending = self._ending()
        if self._role == "compile":
            compiled = run.stopped is None and ending.get("exit") == 0
            run.artifact = native.kept_artifact() if compiled else None
        run.endings.append(ending)
        self._wipe(uid)
        self._runner.outbox.put(b"G", b"")

    def _start(self, uid: int) -> None:
        """Fork the process. It takes its payload from the connection by itself."""
        runner, role = self._runner, self._role
        link = runner.link_for(role)
        limits = self._limits
        if self._shared:
            limits = dict(limits, cpu_s=max(0.05, limits["cpu_s"] - self._run.cpu_s))
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        self._pid = os.fork()
        if self._pid == 0:
            status = 70
            try:
                files = confine.Files(pipes[0][1], pipes[1][1], pipes[2][1], link)
                status = _child(runner, role, self._bytes, files, limits, uid, self._run.artifact)
            finally:
                os._exit(status)
        self._unneeded = [end for _, end in pipes] + ([] if link is None else [link])
        out, err, self._report = (start for start, _ in pipes)
        self._fds = {out: b"O", err: b"E", self._report: b"R"}

    def _watch(self, started: float, allowed_s: float) -> None:
        """Wait until the process has ended or a limit is passed."""
        deadline = started + allowed_s
        # Nothing is done between the fork and the end of a short program: each page that is
        # written here while it runs is copied.
        signals.sigtimedwait(_CHILD, min(QUIET_S, max(0.0, allowed_s)))
        for fd in self._unneeded:
            os.close(fd)
        self._reap()
        if self._status is not None:
            return
        signals.pthread_sigmask(signals.SIG_UNBLOCK, _CHILD)
        usage = self._runner.usage
        before_s = usage.cpu_s()
        while self._status is None and self._run.stopped is None:
            now = time.monotonic()
            if now >= deadline + self._waited_s:
                if self._has_payload:
                    self._run.stopped = "wall"
                    break
                # Not even our own first statements were run: the time begins with the program.
                self._expect_payload()
                deadline = time.monotonic() + allowed_s
            self._wait_for_news(QUIET_S)
            self._reap()
            self._waited_s = max(self._waited_s, min(self._run.extension_s, self._waiting_s()))
            # Processes that nobody waited for are in no count but the container's.
            self._hidden_s = usage.cpu_s() - before_s
            if self._hidden_s > self._limits["cpu_s"]:
                self._run.stopped = self._run.stopped or "cpu"
            if usage.is_nearly_out_of_memory():
                self._run.stopped = self._run.stopped or "memory"
        signals.pthread_sigmask(signals.SIG_BLOCK, _CHILD)

    def _wait_for_news(self, timeout_s: float) -> None:
        """Pass on what is ready; return earlier than the time when a child ends."""
        wake = self._runner.wake
        poll = select.poll()
        for fd in (*self._fds, wake):
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(int(timeout_s * 1000) + 1):
            if fd == wake:
                os.read(wake, 4096)
            elif fd == self._report and not self._has_payload:
                self._expect_payload()
            else:
                self._take(fd)

    def _expect_payload(self) -> None:
        """The process has taken its payload, or is about to: its first report says so."""
        if os.read(self._report, 1) != b"+":
            raise Desynchronised(f"the {self._role} process ended before it had its payload")
        self._has_payload = True

    def _waiting_s(self) -> float:
        """What the program has spent waiting for a core that others had: it gets that in addition.

        A busy machine is no fault of the program. A run of many processes or threads waits for
        itself and gets nothing; all of a run get at most `EXTENSION` times its limit. Tests have
        that in their limit already.
        """
        if self._role == "tests" or sum(name.isdigit() for name in os.listdir("/proc")) > 2:
            return 0.0
        return waited_s_of(self._pid)

    def _take(self, fd: int) -> int:
        """Pass on one chunk of what is there, 0 bytes where it is the end. It must be ready."""
        channel, run = self._fds[fd], self._run
        # What functions print is counted and not kept; only scripts are judged by it.
        keep = channel != b"O" or self._role in ("script", "binary")
        count = self._runner.outbox.take(fd, channel, keep)
        if count == 0:
            os.close(fd)
            del self._fds[fd]
        elif channel == b"R":
            run.results += count
            if run.results > RESULT_BYTES:
                run.stopped = run.stopped or "results"
        else:
            self._output += count
            before = run.output if self._shared else 0
            if before + self._output > self._limits["output_bytes"]:
                run.stopped = run.stopped or "output"
        return count

    def _drain(self) -> None:
        """Pass on what is left, now that nobody writes any more."""
        if not self._has_payload:
            self._expect_payload()
        for fd in list(self._fds):
            while self._run.stopped is None and self._take(fd):
                pass
        for fd in self._fds:
            os.close(fd)

    def _reap(self) -> bool:
        """Reap what has ended. False where there is no child left."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if os.WIFSTOPPED(status):
                continue  # It made us its tracer; it is killed like any other.
            self._cpu_s += used.ru_utime + used.ru_stime
            if pid == self._pid:
                self._status = status

    def _end_all(self) -> None:
        """Kill every process but this one, and reap until nothing is left.

        Every process here descends from a child of ours, and orphans become our children: no
        child left means no process left.
        """
        while self._reap():
            try:
                os.kill(-1, signals.SIGKILL)
            except ProcessLookupError:
                pass
            signals.sigtimedwait(_CHILD, 0.01)

    def _ending(self) -> dict[str, Any]:
        """Exit status, or the signal that ended the process."""
        assert self._status is not None
        if os.WIFSIGNALED(self._status):
            return {"signal": os.WTERMSIG(self._status)}
        return {"exit": os.WEXITSTATUS(self._status)}

    def _wipe(self, uid: int) -> None:
        """Empty the working folder, as the user whose files stand there."""
        if not os.listdir(confine.WORK):
            return
        wipe_as(uid, confine.WORK)
        if os.listdir(confine.WORK):
            raise OSError(errno.ENOTEMPTY, "files of a run cannot be removed", confine.WORK)


def _child(
    runner: Runner,
    role: str,
    size: int,
    files: confine.Files,
    limits: dict[str, Any],
    uid: int,
    artifact: int | None,
) -> int:
    """In the new process: take the payload, give up everything, do the work; its exit status."""
    payload = confine.take_payload(runner.input, size, files.report)
    stdin = payload.get("stdin")
    if stdin:
        files.stdin = confine.memory_file("stdin", stdin)
    if role == "binary":
        source = payload.get("source")
        files.artifact = artifact if source is None else confine.memory_file("program", source)
        files.is_source = source is not None
    confine.enter(
        files,
        uid=uid,
        cpu_s=limits["cpu_s"],
        address_bytes=limits["memory_bytes"] + runner.own_bytes,
    )
    if role in ("compile", "binary"):
        return native.become(payload["argv"])
    for hook in runner.hooks:
        os.register_at_fork(**hook)
    if role == "script":
        return program.run_script(payload["program"])
    if role == "calls":
        return program.run_calls(payload["program"], payload["entry_point"], payload["cases"])
    if role == "served":
        return program.serve_tests(payload["program"])
    return asserts.run_tests(payload)


def waited_s_of(pid: int) -> float:
    """How long a process of one or two threads was ready to run and had no core.

    0 for one of more threads, or where the kernel does not say.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        waited_s = [_waited_s(f"/proc/{pid}/task/{thread}/schedstat") for thread in threads]
    except OSError:
        return 0.0
    return max(waited_s) if len(threads) <= 2 else 0.0


def _waited_s(path: str) -> float:
    fd = os.open(path, os.O_RDONLY)
    try:
        return int(os.read(fd, 128).split()[1]) / 1e9
    finally:
        os.close(fd)


def skip_input(fd: int, size: int) -> None:
    """Read and forget payloads that no process will need."""
    while size:
        size -= len(os.read(fd, min(size, CHUNK_BYTES)))


def _connect(path: str, token: str) -> int | None:
    """A connection to the host's own socket; None where this engine's host does not share it."""
    direct = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        direct.connect(path)
    except OSError:
        direct.close()
        return None
    direct.sendall(token.encode())
    return direct.detach()


def _made_links(partner: _socket.socket) -> list[int]:
    """Our ends of fresh sockets, whose other ends the partner gets."""
    pairs = [_socket.socketpair() for _ in range(LINKS)]
    theirs = struct.pack(f"{LINKS}i", *(their.fileno() for _, their in pairs))
    partner.sendmsg([b"+"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, theirs)])
    for _, their in pairs:
        their.close()
    return [our.detach() for our, _ in pairs]


def _given(partner: _socket.socket) -> list[int]:
    """The other ends of the partner's sockets."""
    size = _socket.CMSG_SPACE(struct.calcsize(f"{LINKS}i"))
    _, control, _, _ = partner.recvmsg(1, size, _socket.MSG_CMSG_CLOEXEC)
    if not control:
        raise Desynchronised("the container of the program is gone")
    return list(struct.unpack(f"{LINKS}i", control[0][2]))


def main(start: dict[str, Any], hooks: list[Any]) -> None:
    """Say that we are ready, and serve."""
    first_uid: int = start["first_uid"]
    with open("/proc/self/uid_map") as file:
        users = int(file.read().split()[2])
    if users < 1 << 32:
        first_uid = 1024 + first_uid % max(1, users - 1024 - UIDS)
    # A mount point of the image decides its mode, whatever Docker was asked for.
    os.chmod(confine.WORK, 0o777)
    os.chdir(confine.WORK)
    # A module that was imported may have left a cache, which no program could remove.
    wipe(confine.WORK)
    os.umask(0o077)
    ends = confine.prepare(LOW_FDS)
    announce = Outbox(ends[1])
    direct = _connect(start["socket"], start["token"]) if start["socket"] else None
    if direct is not None:
        ends = (direct, direct)
    partner = None
    if start["partner"]:
        partner = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        partner.connect(f"\0{start['partner']}")
    rehearse(for_tests=partner is not None)
    gc.collect()
    gc.freeze()
    gc.disable()
    runner = Runner(ends, first_uid, partner, hooks, start["memory_bytes"])
    ready = {"ready": sys.version.split()[0], "direct": direct is not None}
    announce.put(b"Z", dumps(ready))
    announce.flush()
    runner.serve()
