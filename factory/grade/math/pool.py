"""Worker processes for hard comparisons: a deadline kills them, a memory limit holds them.

Workers are forked from a template process that has sympy imported, so that one that dies or is
killed is replaced in milliseconds, and only its own pair is concerned. Everything starts on the
first hard pair. No signals are handled and no thread is bound to a worker, so that any thread of
any process may call; a process that was forked with a pool in it starts a template of its own.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from factory.errors import GraderError
from factory.grade.math.compare import Finding
from factory.grade.math.message import MAX_MESSAGE_BYTES, pack, unpack
from schemas.grade_settings import GradeMath
from schemas.verdict import Status

START_TIMEOUT_S: Final = 120.0
RETIRED_BYTES: Final = 300 * 1024 * 1024
"""A worker that has used more memory is replaced."""
RETIRED_AFTER: Final = 20_000
"""Pairs after which a worker is replaced, whatever it uses."""
_SENT_BY_OTHERS: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
"""Signals that no limit of ours sends."""
_ROOT: Final = Path(__file__).resolve().parents[3]


class _Died(Exception):  # noqa: N818 - a finding, not a failure
    """The worker ended, or did not answer in time (`timed_out`)."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__()
        self.timed_out = timed_out


class _TemplateEnded(Exception):  # noqa: N818 - internal: the pair gets another try
    """The template is gone, and its workers with it."""


class _Template:
    """The process that forks workers; its requests are one at a time."""

    def __init__(self, limits: GradeMath) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with theirs:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "factory.grade.math.worker", str(theirs.fileno())),
                    *(str(limits.memory_bytes), limits.policy.model_dump_json()),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        self.control = ours
        ours.settimeout(START_TIMEOUT_S)
        if self._answer() != b"ready":
            code = self.stop()
            raise GraderError(
                f"workers of symbolic grading: expected their template to start, found exit code "
                f"{code}; see its message above, and check that grade.math.memory_bytes "
                f"({limits.memory_bytes}) leaves room for sympy (256 MiB)"
            )

    def fork(self, theirs: socket.socket) -> int:
        """Process id of a new worker that serves that socket."""
        return self._ask(b"fork", [theirs.fileno()])

    def reap(self, pid: int) -> int:
        """Exit code of a worker that has ended, or is about to."""
        return self._ask(str(pid).encode(), [])

    def _ask(self, request: bytes, descriptors: list[int]) -> int:
        with self._lock:
            try:
                socket.send_fds(self.control, [request], descriptors)
                return int(self._answer())
            except (OSError, ValueError):
                raise _TemplateEnded from None

    def _answer(self) -> bytes:
        try:
            return self.control.recv(64)
        except (TimeoutError, ConnectionError):
            return b""

    def stop(self) -> int:
        self.control.close()
        self.process.kill()
        return self.process.wait()


class _Worker:
    """One process, used by one thread at a time."""

    def __init__(self, template: _Template) -> None:
        self.template = template
        self.pairs = 0
        self.pipe, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.pipe, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE_BYTES)
        with theirs:
            try:
                self.pid = template.fork(theirs)
            except _TemplateEnded:
                self.pipe.close()
                raise

    def ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self.pairs += 1
        self.pipe.settimeout(timeout_s)
        try:
            self.pipe.send(pack(message))
            reply = self.pipe.recv(MAX_MESSAGE_BYTES)
        except TimeoutError:
            raise _Died(timed_out=True) from None
        except ConnectionError:
            reply = b""
        if not reply:
            raise _Died(timed_out=False)
        return unpack(reply)

    def abandon(self) -> None:
        """End it where it stands: an answer that comes late must not be taken for another's."""
        with suppress(_TemplateEnded, OSError):
            self.stop()

    def stop(self, *, kill: bool = True) -> int:
        """End it, reap it, and say its exit code; it keeps its process id until it is reaped."""
        self.pipe.close()
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        return self.template.reap(self.pid)


class WorkerPool:
    """At most `size` workers; `run` may be called from many threads at once."""

    def __init__(self, limits: GradeMath, size: int) -> None:
        self.limits = limits
        self.size = size
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._template: _Template | None = None
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(self.size):
            self._idle.put(None)

    def close(self) -> None:
        """Stop all workers; call it when no `run` is under way. They start again when needed."""
        if self._owner == os.getpid() and self._template is not None:
            for _ in range(self.size):
                worker = self._idle.get()
                if worker is not None:
                    worker.pipe.close()
            self._template.stop()  # and its workers end with it
        self._begin()

    def start(self) -> None:
        """Start the template now, so that no pair has to wait for it.

        Raises:
            GraderError: It does not start.
        """
        if self._owner != os.getpid():
            self._begin()
        with self._lock:
            if self._template is not None and self._template.process.poll() is not None:
                self._template.stop()
                self._template = None
            self._template = self._template or _Template(self.limits)

    def worker_pids(self) -> list[int]:
        """Process ids of the workers that are alive and idle."""
        workers = [self._idle.get() for _ in range(self.size)]
        for worker in workers:
            self._idle.put(worker)
        return [worker.pid for worker in workers if worker is not None]

    def run(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Finding, float]]:
        """Finding and seconds for each pair of gold and answer, in their order.

        Raises:
            GraderError: A worker cannot be started.
        """
        if self._owner != os.getpid():
            self._begin()
        if len(pairs) <= 1 or self.size == 1:
            return [self._one(pair) for pair in pairs]
        with ThreadPoolExecutor(min(self.size, len(pairs))) as threads:
            return list(threads.map(self._one, pairs))

    def _one(self, pair: tuple[str, str], *, again: bool = False) -> tuple[Finding, float]:
        worker = self._idle.get()
        start = time.monotonic()
        try:
            worker = self._living(worker)
            try:
                reply = self._ask(worker, pair, start)
                finding = Finding(Status(reply["status"]), reply["method"], reply["detail"])
                most = min(RETIRED_BYTES, self.limits.memory_bytes // 2)
                spent = reply["memory_bytes"] > most or worker.pairs >= RETIRED_AFTER
                if spent or finding.status is Status.MEMORY:
                    worker.stop()
                    worker = None
            except _Died as death:
                code = worker.stop(kill=death.timed_out)
                worker = None
                finding = self._death(death, code)
            seconds = time.monotonic() - start
        except _TemplateEnded:
            worker, finding, seconds = None, None, 0.0
        except BaseException:
            if worker is not None:
                worker.abandon()
                worker = None
            raise
        finally:
            self._idle.put(worker)
        if finding is not None:
            return finding, seconds
        if again:
            raise GraderError(
                "a worker of symbolic grading was killed twice on one pair, expected only its "
                "own limits to end it; is the machine out of memory? lower `workers` and run "
                "again, what is finished is kept"
            )
        return self._one(pair, again=True)

    def _living(self, worker: _Worker | None) -> _Worker:
        self.start()
        assert self._template is not None
        if worker is not None and worker.template is not self._template:
            worker.pipe.close()
            worker = None
        return worker or _Worker(self._template)

    def _ask(self, worker: _Worker, pair: tuple[str, str], start: float) -> dict[str, Any]:
        """The reply within the deadline, which counts from the call: a start takes part of it, but
        never more than half."""
        deadline_s = self.limits.deadline_s
        left = max(deadline_s - (time.monotonic() - start), deadline_s / 2)
        return worker.ask({"gold": pair[0], "answer": pair[1]}, left)

    def _death(self, death: _Died, code: int) -> Finding | None:
        """What a death says of the pair; None where the machine killed the worker, no limit."""
        if death.timed_out:
            detail = f"not decided in {self.limits.deadline_s:g} seconds"
            return Finding(Status.TIMEOUT, "sympy", detail)
        if -code in _SENT_BY_OTHERS:
            return None
        detail = f"a worker ended with code {code} at its limit of {self.limits.memory_bytes} bytes"
        return Finding(Status.MEMORY, "sympy", detail)
