"""One hardened, long-lived container and the conversation with its process 1."""

from __future__ import annotations

import contextlib
import json
import marshal
import os
import secrets
import select
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container as DockerContainer
from docker.types import LogConfig, Mount

from sandboxes.answer import Answer, AnswerReader
from sandboxes.client import touch
from sandboxes.errors import ContainerFailed, DockerUnavailable, ImageMissing
from sandboxes.inside.boot import BOOT, WARM
from sandboxes.owner import labels
from sandboxes.request import frame
from sandboxes.seccomp import profile

_MODULES = "channel values confine wipe usage native program asserts rehearsal runner"
MODULES = tuple(_MODULES.split())
"""What process 1 runs, in the order of their imports."""
START_S = 60.0
"""Time for a container to say that it is ready."""
WORK_BYTES = 64 * 1024 * 1024
WORK_INODES = 4096
RESERVE_BYTES = 256 * 1024 * 1024
"""Memory of a container beyond that of a program: interpreter, files and what it starts."""
PIDS = 160
CONFLICT = 409
"""Docker's answer where a container is being removed already."""
MEETING = "/meet"
"""Where a container finds the host's socket at its start."""
NO_SHARED_MEMORY = {
    "kernel.shmmni": "0",
    "kernel.shmall": "0",
    "kernel.shmmax": "0",
    "kernel.msgmni": "0",
    "kernel.sem": "0 0 0 0",
    "fs.mqueue.queues_max": "0",
}

# A closed connection leaves no port in use for the next run.
NO_OLD_PORTS = {"net.ipv4.tcp_max_tw_buckets": "0"}


class ContainerDied(Exception):  # noqa: N818 - internal: the pool replaces the container
    """The container ended or fell silent under a run."""


class Container:
    """A running container. Not thread-safe: one conversation at a time.

    Requests go through a socket of this host where the engine shares its files, which costs a
    fifth of the processor time of a short run less; else through Docker's own stream.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        image: str,
        *,
        runtime: str,
        memory_bytes: int,
        cpu: int,
        warm: Sequence[str] = WARM,
        partner: Container | None = None,
    ) -> None:
        """Start the container and wait until its process 1 is ready.

        Args:
            client: Of the engine that runs it; not kept.
            image: Name of an image with python3.
            runtime: Docker's name of the runtime.
            memory_bytes: Of the whole container.
            cpu: The one core that it runs on.
            warm: Modules that are imported before any program runs.
            partner: A container whose programs the tests in this one will talk to.

        Raises:
            ImageMissing, DockerUnavailable, ContainerFailed: With the remedy.
        """
        self._errors = bytearray()
        self._direct: socket.socket | None = None
        self._docker: DockerContainer | None = None
        self._stream: Any = None
        name = secrets.token_hex(16) if partner else ""
        try:
            with _Meeting(client) as meeting:
                self._docker = _create(
                    client,
                    image,
                    lambda: _options(runtime, memory_bytes, cpu, partner, meeting),
                    meeting,
                )
                # Attached before the start: when this process dies, Docker closes the container's
                # input, and the container ends.
                self._stream = self._docker.attach_socket(
                    params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                )
                self._attached: socket.socket = getattr(self._stream, "_sock", self._stream)
                self._attached.setblocking(False)
                self._demultiplexer = _Demultiplexer()
                self._docker.start()
                if partner is not None:
                    partner.listen(name)
                start = _start_message(meeting, name, warm, memory_bytes)
                ready = converse([(self, start)], START_S)[0].summary
                if ready["direct"]:
                    self._direct = meeting.accept()
        except (docker.errors.DockerException, OSError) as error:
            self.close()
            raise ContainerFailed(
                f"a container of {image} did not start: {error}; `python -m sandboxes.engine "
                "status` says what this engine can do"
            ) from error
        except ContainerDied as error:
            self.close()
            raise ContainerFailed(
                f"a container of {image} ended at its start: {error}; the image needs python3 "
                "(3.10 or later): `python -m sandboxes.image build`"
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def id(self) -> str:
        """Docker's id of the container."""
        assert self._docker is not None
        return f"{self._docker.id}"

    @property
    def is_direct(self) -> bool:
        """Whether requests go through a socket of this host."""
        return self._direct is not None

    def listen(self, name: str) -> None:
        """Let process 1 await its partner under an abstract name, which is used once."""
        converse([(self, frame(json.dumps({"listen": name}).encode()))], START_S)

    def close(self) -> None:
        """Remove the container, whatever it is doing; nothing is raised."""
        if self._direct is not None:
            self._direct.close()
        if self._stream is not None:
            self._attached.close()
            self._stream.close()
        if self._docker is None:
            return
        try:
            touch()
            self._docker.remove(force=True)
        except docker.errors.APIError as error:
            if error.status_code == CONFLICT:
                # Docker is removing it already, because its input closed.
                with contextlib.suppress(docker.errors.DockerException, OSError):
                    self._docker.wait(condition="removed", timeout=START_S)
        except (docker.errors.DockerException, OSError):
            # The engine is gone. What is left ends by itself, since its input is closed, and
            # what was never started is removed by the next pool's sweep.
            return

    def connection(self) -> socket.socket:
        """The socket of the conversation."""
        return self._attached if self._direct is None else self._direct

    def receive(self) -> bytes:
        """What process 1 wrote meanwhile, of any length. Raises `ContainerDied` at its end."""
        data = self.connection().recv(1 << 18)
        if not data:
            raise ContainerDied(f"it ended {self._last_errors()}".rstrip())
        return data if self._direct is not None else self._of_stream(data)

    def _of_stream(self, data: bytes) -> bytes:
        written = bytearray()
        for kind, payload in self._demultiplexer.feed(data):
            if kind == 1:
                written += payload
            else:
                self._errors += payload
                del self._errors[:-2000]
        return bytes(written)

    def _last_errors(self) -> str:
        if self._direct is not None:
            with contextlib.suppress(OSError):
                while select.select([self._attached], [], [], 1.0)[0]:
                    data = self._attached.recv(1 << 16)
                    if not data:
                        break
                    self._of_stream(data)
        return self._errors.decode("utf-8", "replace")[-600:]


def converse(exchanges: Sequence[tuple[Container, bytes]], timeout_s: float) -> list[Answer]:
    """Send each container its request, and return their answers in the same order.

    Raises:
        ContainerDied: One of them ended, or did not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    talks = {c.connection().fileno(): _Talk(c, request) for c, request in exchanges}
    try:
        for talk in talks.values():
            talk.send()
        poll = select.poll()
        while waiting := {fd: talk for fd, talk in talks.items() if talk.answer is None}:
            for fd, talk in waiting.items():
                poll.register(fd, select.POLLIN | (select.POLLOUT if talk.unsent else 0))
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not (events := poll.poll(left_s * 1000)):
                raise ContainerDied(f"no answer within {timeout_s:.0f} s")
            for fd, event in events:
                if event & select.POLLOUT:
                    talks[fd].send()
                if event & ~select.POLLOUT:
                    talks[fd].receive()
                if talks[fd].answer is not None:
                    poll.unregister(fd)
    except OSError as error:
        raise ContainerDied(f"the connection to the container broke: {error}") from error
    return [talk.answer for talk in talks.values() if talk.answer is not None]


class _Talk:
    """One request on its way, and its answer as it comes."""

    def __init__(self, container: Container, request: bytes) -> None:
        self._container = container
        self._reader = AnswerReader()
        self.unsent = memoryview(request)
        self.answer: Answer | None = None

    def send(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.unsent = self.unsent[self._container.connection().send(self.unsent[: 1 << 20]) :]

    def receive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.answer = self._reader.feed(self._container.receive())


class _Meeting:
    """A socket in a folder that the container sees at its start, and nobody afterwards.

    A folder that a program might see holds nothing: the socket is removed before any program
    runs. Where the engine has other files than this host there is no meeting, and `folder` is
    None.
    """

    def __init__(self, client: docker.DockerClient) -> None:
        self.folder: str | None = None
        self.name = secrets.token_hex(16)
        self.token = secrets.token_hex(32)
        self._listener: socket.socket | None = None
        self._local = client.api.base_url.startswith(("http+docker://", "http+unix://"))

    def __enter__(self) -> _Meeting:
        if self._local:
            self.folder = tempfile.mkdtemp(prefix="retort-sandbox-")
            os.chmod(self.folder, 0o711)  # noqa: PTH101
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            directory = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                # A path in TMPDIR may be longer than an address of a socket.
                address = f"/proc/self/fd/{directory}/{self.name}"
                self._listener.bind(address)
                os.chmod(address, 0o666)  # noqa: PTH101
            finally:
                os.close(directory)
            self._listener.listen(1)
            self._listener.settimeout(START_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def give_up(self) -> None:
        """The engine does not see our folder: it is another machine's."""
        self.__exit__()
        self.folder = self._listener = None

    def accept(self) -> socket.socket:
        """The connection of process 1, which has made it already."""
        assert self._listener is not None
        connection, _ = self._listener.accept()
        connection.settimeout(START_S)
        said = connection.recv(len(self.token), socket.MSG_WAITALL)
        if not secrets.compare_digest(said, self.token.encode()):
            connection.close()
            raise ContainerDied("a stranger answered in its place")
        connection.setblocking(False)
        return connection


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


def _start_message(
    meeting: _Meeting, partner: str, warm: Sequence[str], memory_bytes: int
) -> bytes:
    sources = files("sandboxes") / "inside"
    modules = [["sandboxes", ""], ["sandboxes.inside", ""]] + [
        [f"sandboxes.inside.{name}", (sources / f"{name}.py").read_text("utf-8")]
        for name in MODULES
    ]
    start = {
        "warm": tuple(warm),
        "memory_bytes": memory_bytes,
        "modules": modules,
        # Users are counted per kernel, not per container: ranges of containers must not overlap.
        "first_uid": 100_000 + secrets.randbelow(500_000) * 4096,
        "socket": f"{MEETING}/{meeting.name}" if meeting.folder else "",
        "token": meeting.token,
        "partner": partner,
    }
    # The oldest format, which every version of Python reads.
    return frame(marshal.dumps(start, 2))


def _options(
    runtime: str, memory_bytes: int, cpu: int, partner: Container | None, meeting: _Meeting
) -> dict[str, Any]:
    mounts = []
    if meeting.folder:
        mounts = [Mount(MEETING, meeting.folder, type="bind", read_only=True)]
    return {
        "entrypoint": ["python3", "-s", "-B", "-c", BOOT],
        "command": [],
        "environment": {
            "HOME": "/work",
            "USER": "program",
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
        # No interface but loopback; a pair shares it to meet, and its programs see no more by it.
        "network_mode": f"container:{partner.id}" if partner else "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges:true", f"seccomp={profile()}"],
        "mem_limit": memory_bytes,
        "memswap_limit": memory_bytes,
        "pids_limit": PIDS,
        "cpuset_cpus": f"{cpu}",
        "ipc_mode": "none",
        "log_config": LogConfig(type="none"),
        "tmpfs": {
            "/work": f"rw,noexec,nosuid,nodev,mode=0777,size={WORK_BYTES},nr_inodes={WORK_INODES}"
        },
        "mounts": mounts,
        # A pair shares its network, which is then set already.
        "sysctls": NO_SHARED_MEMORY if partner else NO_SHARED_MEMORY | NO_OLD_PORTS,
        "runtime": runtime,
        "labels": labels(cpu),
        "auto_remove": True,
    }


def _create(
    client: docker.DockerClient,
    image: str,
    options: Callable[[], dict[str, Any]],
    meeting: _Meeting,
) -> DockerContainer:
    try:
        try:
            return client.containers.create(image, **options())
        except docker.errors.APIError as error:
            if "bind source path does not exist" not in f"{error.explanation}":
                raise
            meeting.give_up()
            return client.containers.create(image, **options())
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
