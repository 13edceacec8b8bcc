"""A pool of hardened containers that run untrusted programs, from many threads at once."""

from __future__ import annotations

import os
import queue
import socket
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import docker
import docker.errors

from sandboxes.contract import Limits, Outcome, Tests
from sandboxes.errors import ContainerFailed, DockerUnavailable, ImageMissing
from sandboxes.judge import judge
from sandboxes.owner import sweep
from sandboxes.request import request_bytes
from sandboxes.slot import RESERVE_BYTES, Slot, SlotDied

DEFAULT_IMAGE = "retort-sandbox-python:latest"
TRIES = 3
"""Containers that one run may lose before that is an error."""


def connect() -> docker.DockerClient:
    """A client of the engine that the environment names, or of the local one.

    Raises:
        DockerUnavailable: None answers.
    """
    try:
        _touch(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
        client = docker.from_env(timeout=60)
    except (docker.errors.DockerException, OSError) as error:
        raise DockerUnavailable(_no_engine(error)) from error
    try:
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        client.close()
        raise DockerUnavailable(_no_engine(error)) from error
    return client


def _touch(host: str) -> None:
    """Connect to a local engine's socket once: the library leaks its own where nobody answers."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(60)
            probe.connect(host.removeprefix("unix://"))


def _no_engine(error: Exception) -> str:
    return (
        f"Docker: expected an engine that answers, found {error}; start one with "
        "`python -m sandboxes.engine start`, or name one in DOCKER_HOST"
    )


class SandboxPool:
    """Containers that stay up and take one program after the other.

    A context manager; `run` may be called from any number of threads and waits for a free slot.
    """

    def __init__(
        self,
        *,
        image: str = DEFAULT_IMAGE,
        slots: int | None = None,
        runtime: str = "runc",
        memory_bytes: int = 1024 * 1024 * 1024,
    ) -> None:
        """`slots`: containers, one per core by default. `memory_bytes`: of one container; a
        program's limit must leave `RESERVE_BYTES` of it."""
        self._image = image
        self._slots = slots or os.cpu_count() or 1
        self._runtime = runtime
        self._memory_bytes = memory_bytes
        self._client: docker.DockerClient | None = None
        self._free: queue.LifoQueue[Slot | None] = queue.LifoQueue()

    def __enter__(self) -> SandboxPool:
        """Start every container.

        Raises:
            DockerUnavailable, ImageMissing, ContainerFailed: With the remedy; none is left up.
        """
        self._client = connect()
        try:
            self._check_image(self._client)
            sweep(self._client)
            with ThreadPoolExecutor(self._slots) as threads:
                started = [threads.submit(self._start) for _ in range(self._slots)]
            for future in started:
                if future.exception() is None:
                    self._free.put(future.result())
            for future in started:
                future.result()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove every container. No run may be under way."""
        self._close()

    def run(self, program: str, tests: Tests, limits: Limits) -> Outcome:
        """Run one program against its tests.

        Nothing that the program does raises here: it is the outcome. A container that dies under
        the run is replaced and the run repeated.

        Raises:
            ValueError: `limits.memory_bytes` does not fit into this pool's containers.
            SandboxError: The machine failed, again and again; there is no verdict.
        """
        most = self._memory_bytes - RESERVE_BYTES
        if limits.memory_bytes > most:
            raise ValueError(
                f"limits: expected memory_bytes of at most {most}, found {limits.memory_bytes}; "
                "open the pool with a larger memory_bytes"
            )
        request = request_bytes(program, tests, limits)
        slot = self._free.get()
        try:
            for attempt in range(1, TRIES + 1):
                if slot is None:
                    slot = self._start()
                try:
                    return judge(tests, slot.run(request, limits.wall_s))
                except SlotDied as error:
                    dead, slot = slot, None
                    dead.close()
                    if attempt == TRIES:
                        raise ContainerFailed(
                            f"sandbox: {TRIES} containers died under the same program, the last "
                            f"because {error}; see `dmesg` and the engine's log, then run again"
                        ) from error
            raise AssertionError("unreachable")
        finally:
            # An empty slot is started again by the next run that takes it.
            self._free.put(slot)

    def container_ids(self) -> list[str]:
        """Docker's ids of the containers of free slots."""
        return [slot.container_id for slot in list(self._free.queue) if slot is not None]

    def _start(self) -> Slot:
        assert self._client is not None, "the pool is not open"
        return Slot(self._client, self._image, self._runtime, self._memory_bytes)

    def _check_image(self, client: docker.DockerClient) -> None:
        try:
            client.images.get(self._image)
        except docker.errors.ImageNotFound as error:
            raise ImageMissing(
                f"Docker has no image {self._image}: build it with "
                "`python -m sandboxes.image build`"
            ) from error

    def _close(self) -> None:
        while not self._free.empty():
            slot = self._free.get()
            if slot is not None:
                slot.close()
        if self._client is not None:
            self._client.close()
            self._client = None
