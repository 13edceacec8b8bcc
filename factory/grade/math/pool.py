"""Worker processes for hard comparisons: a deadline kills them, a memory limit holds them.

Workers start on the first hard pair and are kept; one that dies or is killed is replaced, and only
its own pair is concerned. No signals are used here, so that any thread may call. Messages are JSON
behind a length of four bytes, on the worker's standard input and output.
"""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from factory.errors import GraderError
from factory.grade.math.compare import Finding
from schemas.recipe import GradeMath
from schemas.verdict import Status

START_TIMEOUT_S: Final = 120.0
_ROOT: Final = Path(__file__).resolve().parents[3]
_GRACE_S: Final = 2.0
"""A worker that closed its pipe has so long to end, so that its exit code is its own."""
_LENGTH: Final = struct.Struct(">I")


class _Died(Exception):  # noqa: N818 - a finding, not a failure
    """The worker ended, or did not answer in time (`timed_out`)."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__()
        self.timed_out = timed_out


class _Worker:
    """One process, used by one thread at a time."""

    def __init__(self, limits: GradeMath) -> None:
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "factory.grade.math.worker"),
                *(str(limits.memory_bytes), str(limits.deadline_s)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.input = self.process.stdin.fileno()
        self.output = self.process.stdout.fileno()
        try:
            self._receive(time.monotonic() + START_TIMEOUT_S)
        except _Died:
            self.stop()
            raise GraderError(
                f"worker of symbolic grading: expected it to start, found exit code "
                f"{self.process.returncode}; see its message above, and check that "
                f"grade.math.memory_bytes ({limits.memory_bytes}) leaves room for sympy (256 MiB)"
            ) from None

    def ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        body = json.dumps(message).encode()
        rest = memoryview(_LENGTH.pack(len(body)) + body)
        try:
            while rest:
                rest = rest[os.write(self.input, rest) :]
        except BrokenPipeError:
            raise _Died(timed_out=False) from None
        return json.loads(self._receive(time.monotonic() + timeout_s))

    def _receive(self, deadline: float) -> bytes:
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        return self._read(length, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        content = b""
        while len(content) < size:
            left = deadline - time.monotonic()
            poll = select.poll()
            poll.register(self.output, select.POLLIN)
            if left <= 0 or not poll.poll(left * 1000):
                raise _Died(timed_out=True)
            chunk = os.read(self.output, size - len(content))
            if not chunk:
                raise _Died(timed_out=False)
            content += chunk
        return content

    def stop(self, grace_s: float = 0.0) -> int:
        """Kill it, reap it, and say its exit code; one that is ending may do so by itself."""
        if grace_s:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_s)
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return self.process.wait()


class WorkerPool:
    """At most `size` workers; `run` may be called from many threads at once."""

    def __init__(self, limits: GradeMath, size: int) -> None:
        self.limits = limits
        self.size = size
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)

    def close(self) -> None:
        """Stop the workers that are idle; call it when no `run` is under way."""
        workers = [self._idle.get() for _ in range(self.size)]
        for worker in workers:
            if worker is not None:
                worker.stop()
            self._idle.put(None)

    def worker_pids(self) -> list[int]:
        """Process ids of the workers that are alive and idle."""
        workers = [self._idle.get() for _ in range(self.size)]
        for worker in workers:
            self._idle.put(worker)
        return [worker.process.pid for worker in workers if worker is not None]

    def run(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Finding, float]]:
        """Finding and seconds for each pair of gold and answer, in their order.

        Raises:
            GraderError: A worker cannot be started.
        """
        if len(pairs) <= 1 or self.size == 1:
            return [self._one(pair) for pair in pairs]
        with ThreadPoolExecutor(min(self.size, len(pairs))) as threads:
            return list(threads.map(self._one, pairs))

    def _one(self, pair: tuple[str, str], *, again: bool = False) -> tuple[Finding, float]:
        worker = self._idle.get()
        try:
            worker = worker or _Worker(self.limits)
            start = time.monotonic()
            try:
                finding = _finding(self._ask(worker, pair))
            except _Died as death:
                code = worker.stop(0.0 if death.timed_out else _GRACE_S)
                worker = None
                if code == -signal.SIGKILL and not death.timed_out:
                    finding = None  # the machine killed it, not a limit of ours
                else:
                    finding = self._death(death, code)
            if finding is None and again:
                raise GraderError(
                    "a worker of symbolic grading was killed twice on one pair, expected only its "
                    "own limits to end it; is the machine out of memory? lower `workers` in the "
                    "machine file and run again, finished parts are kept"
                )
            if worker is not None and finding is not None and finding.status is Status.MEMORY:
                worker.stop()
                worker = None
            seconds = time.monotonic() - start
        finally:
            self._idle.put(worker)
        return self._one(pair, again=True) if finding is None else (finding, seconds)

    def _ask(self, worker: _Worker, pair: tuple[str, str]) -> dict[str, Any]:
        return worker.ask({"gold": pair[0], "answer": pair[1]}, self.limits.deadline_s)

    def _death(self, death: _Died, code: int) -> Finding:
        if death.timed_out:
            return Finding(
                Status.TIMEOUT, "sympy", f"not decided in {self.limits.deadline_s:g} seconds"
            )
        return Finding(
            Status.MEMORY,
            "sympy",
            f"the worker ended with code {code} at its limit of {self.limits.memory_bytes} bytes",
        )


def _finding(reply: dict[str, Any]) -> Finding:
    return Finding(Status(reply["status"]), reply["method"], reply["detail"])
