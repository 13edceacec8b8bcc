"""One vLLM server: its process under the keeper, its address and its log."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from factory.generate import keeper

_GONE_S: Final = 0.01
"""Until those that were killed are looked for again."""
_HEALTH_TIMEOUT_S: Final = 5.0
_TAIL_LINES: Final = 12
_TAIL_BYTES: Final = 1024 * 1024
_LINE_CHARS: Final = 300
_ERRORS_EACH: Final = 3
_ERROR: Final = re.compile(r"^(?!.*\bWARNING\b).*\b\w+(Error|Exception): ")


LOOPBACK: Final = "127.0.0.1"


class VllmProcess:
    """One server, started as often as needed, each time on another port.

    Args:
        log: Everything that it says is appended there, over all its lives.
        host: The address of this machine where it listens.
    """

    waits_for_room = False

    def __init__(
        self, command: list[str], environment: dict[str, str], log: Path, host: str = LOOPBACK
    ) -> None:
        self._command = command
        self._environment = environment
        self.log = log
        self.host = host
        self._start()

    def start_again(self) -> None:
        """Start it after it has ended, elsewhere; does not wait until it answers."""
        self._drop()
        self._start()

    def _start(self) -> None:
        self._reserved = _reserved_port(self.host)
        self.port: int = self._reserved.getsockname()[1]
        self.started_s = time.monotonic()
        command = [*self._command, "--host", self.host, "--port", str(self.port)]
        with open(self.log, "ab") as log:
            log.write(f"\n---- vLLM server on port {self.port}\n".encode())
            log.flush()
            self.begins = log.tell()
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
        """Where it listens in this life."""
        return base_url(self.host, self.port)

    def has_ended(self) -> bool:
        """Whether it is gone; then nothing of it is left, even if its keeper was killed."""
        if self._process.returncode is not None:
            return True
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT  # not reaped yet, so that its id stays its own
        if os.waitid(os.P_PID, self._process.pid, how) is None:
            return False
        self._kill_members()
        self._process.wait()
        return True

    def answers(self) -> bool:
        """Whether it says that it is well."""
        return is_well(self.host, self.port)

    def kill(self) -> None:
        """End it at once, also where it does not listen to signals; returns when it is gone."""
        if self._process.returncode is None:
            self._kill_members()
            self._process.kill()
            self._process.wait()

    def release(self) -> None:
        """Let the keeper end the server; does not wait."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self) -> None:
        """Return when it is gone."""
        self._process.wait()
        self._drop()

    def says(self) -> str:
        """What the log says about the end of this life, a few lines."""
        return said_at_the_end(self.log, self.begins)

    def _drop(self) -> None:
        self.release()
        self._reserved.close()

    def _kill_members(self) -> None:
        while members := keeper.session_members(self._process.pid):
            for member in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            time.sleep(_GONE_S)


def base_url(host: str, port: int) -> str:
    """What clients add their paths to."""
    return f"http://{host}:{port}/v1"


def is_well(host: str, port: int) -> bool:
    """Whether the server there says that it is well."""
    connection = http.client.HTTPConnection(host, port, timeout=_HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def said_at_the_end(log: Path, begins_bytes: int) -> str:
    """The telling lines of a life that begins at this place of the log, indented."""
    with open(log, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(begins_bytes, end - _TAIL_BYTES))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(f"  {line[:_LINE_CHARS]}" for line in telling_lines(text.splitlines()))


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


def _reserved_port(host: str) -> socket.socket:
    """A socket bound to a free port, which it keeps from others while the server loads. It never
    listens, so a server that reuses addresses, as vLLM's does, binds to the same port."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((host, 0))
    return reserved
