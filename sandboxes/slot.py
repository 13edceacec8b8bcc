"""One slot: one hardened, long-lived container and the conversation with its process 1."""

from __future__ import annotations

import contextlib
import json
import secrets
import select
import socket
import time
from importlib.resources import files
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container
from docker.types import LogConfig

from sandboxes.answer import Answer, AnswerReader
from sandboxes.errors import ContainerFailed, DockerUnavailable, ImageMissing
from sandboxes.inside.boot import BOOT, WARM
from sandboxes.inside.runner import EXTENSION
from sandboxes.owner import owner_labels
from sandboxes.request import frame

MODULES = ("channel", "values", "confine", "program", "asserts", "runner")
START_S = 60.0
"""Time for a container to say that it is ready."""
GRACE_S = 30.0
"""How much longer than a run's own limit the host waits before it gives the container up."""
WORK_BYTES = 64 * 1024 * 1024
WORK_INODES = 4096
RESERVE_BYTES = 256 * 1024 * 1024
"""Memory of a container beyond that of a program: the tests' process, interpreter and files."""
PIDS = 160
CONFLICT = 409
"""Docker's answer where a container is being removed already."""
NO_SHARED_MEMORY = {
    "kernel.shmmni": "0",
    "kernel.shmall": "0",
    "kernel.shmmax": "0",
    "kernel.msgmni": "0",
    "kernel.sem": "0 0 0 0",
    "fs.mqueue.queues_max": "0",
}


class SlotDied(Exception):  # noqa: N818 - internal: the pool replaces the container and goes on
    """The container ended or fell silent under a run."""


class Slot:
    """A running container. Not thread-safe: one run at a time."""

    def __init__(
        self, client: docker.DockerClient, image: str, runtime: str, memory_bytes: int
    ) -> None:
        """Start the container and wait until its process 1 is ready.

        Raises:
            ImageMissing, DockerUnavailable, ContainerFailed: With the remedy.
        """
        self._container = _create(client, image, runtime, memory_bytes)
        try:
            # Attached before the start: when this process dies, Docker closes the container's
            # input, and the container ends.
            self._stream: Any = self._container.attach_socket(
                params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            self._socket: socket.socket = getattr(self._stream, "_sock", self._stream)
            self._socket.setblocking(False)
            self._errors = bytearray()
            self._container.start()
            ready = self._converse(_start_message(), START_S).summary
        except (docker.errors.DockerException, OSError) as error:
            self.close()
            raise ContainerFailed(
                f"a container of {image} did not start: {error}; `python -m sandboxes.engine "
                "status` says what this engine can do"
            ) from error
        except SlotDied as error:
            self.close()
            raise ContainerFailed(
                f"a container of {image} ended at its start: {error}; the image needs python3 "
                "(3.10 or later): `python -m sandboxes.image build`"
            ) from error
        self.python: str = ready["ready"]

    @property
    def container_id(self) -> str:
        """Docker's id of the container."""
        return f"{self._container.id}"

    def run(self, request: bytes, wall_s: float) -> Answer:
        """Send one request and return its answer. Raises `SlotDied` where there is none."""
        return self._converse(request, (1 + EXTENSION) * wall_s + GRACE_S)

    def close(self) -> None:
        """Remove the container, whatever it is doing."""
        stream = getattr(self, "_stream", None)
        if stream is not None:
            self._socket.close()
            stream.close()
        try:
            self._container.remove(force=True)
        except docker.errors.NotFound:
            # It ended, and Docker removed it.
            return
        except docker.errors.APIError as error:
            if error.status_code != CONFLICT:
                raise
            # Docker is removing it already, because its input closed.
            with contextlib.suppress(docker.errors.NotFound):
                self._container.wait(condition="removed", timeout=START_S)
        except OSError:
            # The engine is gone, and its containers end with it; the next start says so.
            return

    def _converse(self, request: bytes, timeout_s: float) -> Answer:
        deadline = time.monotonic() + timeout_s
        reader, stream = AnswerReader(), _Demultiplexer()
        unsent = memoryview(request)
        poll = select.poll()
        while True:
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not (events := poll.poll(left_s * 1000)):
                raise SlotDied(f"no answer within {timeout_s:.0f} s")
            try:
                if events[0][1] & select.POLLOUT:
                    unsent = unsent[self._socket.send(unsent[: 1 << 20]) :]
                if events[0][1] & ~select.POLLOUT:
                    answer = self._read(reader, stream)
                    if answer is not None:
                        return answer
            except BlockingIOError:
                continue
            except OSError as error:
                raise SlotDied(f"the connection to the container broke: {error}") from error

    def _read(self, reader: AnswerReader, stream: _Demultiplexer) -> Answer | None:
        data = self._socket.recv(1 << 18)
        if not data:
            raise SlotDied(f"the container ended {self._errors.decode('utf-8', 'replace')[-600:]}")
        answer: Answer | None = None
        for kind, payload in stream.feed(data):
            if kind == 1:
                answer = reader.feed(payload) or answer
            else:
                self._errors += payload
                del self._errors[:-2000]
        return answer


class _Demultiplexer:
    """Docker's stream without a terminal: a header (kind, three zeros, length) per chunk."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        self._data += data
        chunks: list[tuple[int, bytes]] = []
        start = 0
        while len(self._data) - start >= 8:
            size = int.from_bytes(self._data[start + 4 : start + 8], "big")
            if len(self._data) - start < 8 + size:
                break
            kind = self._data[start]
            chunks.append((kind, bytes(self._data[start + 8 : start + 8 + size])))
            start += 8 + size
        del self._data[:start]
        return chunks


def _start_message() -> bytes:
    sources = files("sandboxes") / "inside"
    modules = [["sandboxes", ""], ["sandboxes.inside", ""]] + [
        [f"sandboxes.inside.{name}", (sources / f"{name}.py").read_text("utf-8")]
        for name in MODULES
    ]
    # Users are counted per kernel, not per container: ranges of containers must not overlap.
    first_uid = 100_000 + secrets.randbelow(500_000) * 4096
    start = {"warm": WARM, "modules": modules, "first_uid": first_uid}
    return frame(json.dumps(start).encode())


def _create(client: docker.DockerClient, image: str, runtime: str, memory_bytes: int) -> Container:
    options: dict[str, Any] = {
        "entrypoint": ["python3", "-s", "-B", "-c", BOOT],
        "command": [],
        "environment": {
            "HOME": "/work",
            "TMPDIR": "/work",
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "1",
        },
        "user": "0:0",
        "working_dir": "/",
        "stdin_open": True,
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory_bytes,
        "memswap_limit": memory_bytes,
        "pids_limit": PIDS,
        "nano_cpus": 1_000_000_000,
        "ipc_mode": "none",
        "log_config": LogConfig(type="none"),
        "tmpfs": {
            "/work": f"rw,noexec,nosuid,nodev,mode=0777,size={WORK_BYTES},nr_inodes={WORK_INODES}"
        },
        "sysctls": NO_SHARED_MEMORY,
        "runtime": runtime,
        "labels": owner_labels(),
        "auto_remove": True,
    }
    try:
        return client.containers.create(image, **options)
    except docker.errors.ImageNotFound as error:
        raise ImageMissing(
            f"Docker has no image {image}: build it with `python -m sandboxes.image build`"
        ) from error
    except docker.errors.APIError as error:
        raise ContainerFailed(
            f"Docker refused to create a container of {image}: {error.explanation}; "
            "`python -m sandboxes.engine status` says what this engine can do"
        ) from error
    except (docker.errors.DockerException, OSError) as error:
        raise DockerUnavailable(
            f"Docker does not answer: {error}; start it with `python -m sandboxes.engine start`"
        ) from error
