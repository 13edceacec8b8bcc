"""vLLM servers of a stage: started, watched, restarted when they die, and never left behind.

Each server listens on a free port of 127.0.0.1, writes its log beside the artifact, and lives
under `keeper.py`, which ends it with all its processes when this process stops, fails or is
killed. One that dies while it is needed is started again, a bounded number of times.
"""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from factory.errors import TeacherError
from factory.generate import keeper
from factory.generate.vllm_arguments import installed_vllm, server_environment, vllm_arguments
from factory.models import Model
from factory.progress import say
from schemas.machine import Vllm
from schemas.recipe import VllmTeacher

RESTARTS: Final = 4
"""How often each server may be started again in one stage."""
_POLL_S: Final = 0.25
_HEALTH_TIMEOUT_S: Final = 5.0
_NEWS_EVERY_S: Final = 10.0
_TAIL_LINES: Final = 12
_LINE_CHARS: Final = 300
_ERRORS_EACH: Final = 3
_ERROR: Final = re.compile(r"^(?!.*\bWARNING\b).*\b\w+(Error|Exception): ")


class _Server:
    """One server process and its log."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command = command
        self._environment = environment
        self.log = log
        self.restarts = 0
        log.write_bytes(b"")
        self.start()

    def start(self) -> None:
        self.port = _free_port()
        self.started_s = time.monotonic()
        command = [*self._command, "--host", "127.0.0.1", "--port", str(self.port)]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", keeper.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=tempfile.gettempdir(),
            )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_HEALTH_TIMEOUT_S)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def release(self) -> None:
        """Let the keeper end the server; does not wait."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def wait(self) -> None:
        self._process.wait()

    def says(self) -> str:
        """What the log says about the end of the server, a few lines."""
        lines = telling_lines(self.log.read_text("utf-8", "replace").splitlines())
        return "\n".join(f"  {line[:_LINE_CHARS]}" for line in lines)


def telling_lines(lines: Sequence[str]) -> list[str]:
    """The lines of a server's log that say why it ended, in their order.

    Each error with its message and the line after it, the first errors (the cause) and the last;
    where there is none, the end of the log.
    """
    named = [number for number, line in enumerate(lines) if _ERROR.search(line)]
    chosen = sorted({*named[:_ERRORS_EACH], *named[-_ERRORS_EACH:]})
    found: list[str] = []
    for number in chosen:
        found += [line for line in lines[number : number + 2] if line not in found]
    return found or list(lines[-_TAIL_LINES:])


class VllmServers:
    """The servers of one stage; a context manager that returns when all answer.

    Raises:
        TeacherError: One died, or did not answer within `startup_timeout_s`.
        MissingDependency: vLLM is not installed.
    """

    def __init__(self, teacher: VllmTeacher, vllm: Vllm, model: Model, log_dir: Path) -> None:
        distribution = installed_vllm()
        arguments = vllm_arguments(teacher, vllm, model, cpu=distribution.cpu)
        self._command = [
            sys.executable,
            "-P",
            "-m",
            "vllm.entrypoints.openai.api_server",
            *arguments,
        ]
        self._cpu = distribution.cpu
        self._vllm = vllm
        self._log_dir = log_dir
        self._servers: list[_Server] = []
        self._stop = threading.Event()
        self._error: TeacherError | None = None
        self._watcher = threading.Thread(target=self._watch, name="vllm-watcher", daemon=True)
        self.engine = f"vllm {distribution.version}"
        self.startup_s = 0.0

    def __enter__(self) -> VllmServers:
        begun = time.monotonic()
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for number in range(self._vllm.replicas):
                log = self._log_dir / f"vllm-{number}.log"
                environment = server_environment(self._vllm, number, cpu=self._cpu)
                self._servers.append(_Server(self._command, environment, log))
            for server in self._servers:
                self._wait_healthy(server)
        except BaseException:
            self.close()
            raise
        self.startup_s = time.monotonic() - begun
        self._watcher.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the servers; returns when they are gone."""
        self._stop.set()
        if self._watcher.is_alive():
            self._watcher.join()  # it may be starting a server again; afterwards nobody is
        for server in self._servers:
            server.release()
        for server in self._servers:
            server.wait()

    def base_urls(self) -> list[str]:
        """Where the servers listen now; a restarted one has moved."""
        return [server.base_url for server in self._servers]

    def check(self) -> None:
        """Raise the error that ended a server for good, if there is one.

        Raises:
            TeacherError: A server died more often than it may be restarted.
        """
        if self._error is not None:
            raise self._error

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_S):
            for server in self._servers:
                if server.alive or self._stop.is_set():
                    continue
                if server.restarts >= RESTARTS:
                    self._error = TeacherError(
                        f"vLLM server for {self._command[5]}: died {RESTARTS + 1} times; its log "
                        f"{server.log} ends with\n{server.says()}\nfinished candidates are kept"
                    )
                    return
                server.restarts += 1
                say(f"a vLLM server died; starting it again ({server.restarts} of {RESTARTS})")
                server.start()
                try:
                    self._wait_healthy(server)
                except TeacherError as error:
                    if server.alive:
                        self._error = error
                        return

    def _wait_healthy(self, server: _Server) -> None:
        news_s = server.started_s + _NEWS_EVERY_S
        while not server.answers():
            waited_s = time.monotonic() - server.started_s
            if self._stop.is_set():
                return
            if not server.alive:
                raise TeacherError(
                    f"vLLM server for {self._command[5]}: expected it to start, it ended after "
                    f"{waited_s:.0f} s; its log {server.log} says\n{server.says()}\nchange the "
                    f"recipe's teacher or [vllm] of the machine file and run again"
                )
            if waited_s > self._vllm.startup_timeout_s:
                raise TeacherError(
                    f"vLLM server for {self._command[5]}: expected it to answer within "
                    f"{self._vllm.startup_timeout_s:.0f} s, it does not; its log {server.log} says"
                    f"\n{server.says()}\nraise vllm.startup_timeout_s in the machine file"
                )
            if time.monotonic() > news_s:
                say(f"vLLM is loading {self._command[5]} ({waited_s:.0f} s)")
                news_s += _NEWS_EVERY_S
            time.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
