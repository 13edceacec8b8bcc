"""A pool of hardened containers that run untrusted programs, from many threads at once."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import docker
import docker.errors

from sandboxes.client import connect, no_engine, touch
from sandboxes.container import RESERVE_BYTES, Container, ContainerDied
from sandboxes.contract import Call, CallCase, Evaluation, Limits, Outcome, Stdio, Tests
from sandboxes.errors import (
    ContainerFailed,
    DockerUnavailable,
    ImageMissing,
    SandboxError,
    how_to_build,
)
from sandboxes.inside.boot import WARM
from sandboxes.judge import check_call, evaluated, judge
from sandboxes.languages import PYTHON, Language
from sandboxes.owner import free_cpus, sweep
from sandboxes.request import Request, request_for
from sandboxes.slot import Answers, Slot

TRIES = 3
"""Containers that one run may lose before that is an error."""
ENGINE_S = 60.0
"""How long a run waits for an engine that has gone to come back."""


class SandboxPool:
    """Containers that stay up and take one program after the other, all of one language.

    A context manager; `run` may be called from any number of threads and waits for a free slot.
    """

    def __init__(
        self,
        *,
        language: Language = PYTHON,
        image: str | None = None,
        slots: int | None = None,
        runtime: str = "runc",
        memory_bytes: int = 1024 * 1024 * 1024,
        warm: Sequence[str] = (),
        engine_s: float = ENGINE_S,
    ) -> None:
        """Nothing is started yet.

        Args:
            language: Of every program.
            image: Another image than the language's own, with the same interpreter or compiler.
            slots: Containers, one per core by default.
            runtime: Docker's name of the runtime, `runsc` for gVisor.
            memory_bytes: Of one container; a program's limit must leave `RESERVE_BYTES` of it.
            warm: Modules that most programs import and that take long to: imported once, before
                any program runs, they are there at once. Each makes every run a little dearer.
            engine_s: How long a run waits for an engine that has gone to come back.
        """
        self._language = language
        self._image = image or language.image
        self._slots = slots or os.cpu_count() or 1
        self._runtime = runtime
        self._memory_bytes = memory_bytes
        self._warm = tuple(warm)
        self._engine_s = engine_s
        self._client: docker.DockerClient | None = None
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()

    def __enter__(self) -> SandboxPool:
        """Start every slot.

        Raises:
            DockerUnavailable, ImageMissing, ContainerFailed: With the remedy; none is left up.
        """
        self._client = connect()
        try:
            self._prepare(self._client)
        except (docker.errors.DockerException, OSError) as error:
            self._close()
            raise DockerUnavailable(no_engine(error)) from error
        except BaseException:
            self._close()
            raise
        return self

    def _prepare(self, client: docker.DockerClient) -> None:
        """Start every slot."""
        self._check_image(client)
        sweep(client)
        slots = [
            Slot(self._language, cpu, self._start_container)
            for cpu in free_cpus(client, self._slots)
        ]
        for slot in slots:
            self._free.put(slot)
        with ThreadPoolExecutor(self._slots) as threads:
            list(threads.map(Slot.start, slots))

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
        the run is replaced and the run repeated; an engine that goes is waited for.

        Raises:
            ValueError: The language has no such tests, or `limits.memory_bytes` does not fit into
                this pool's containers.
            SandboxError: The machine failed, again and again; there is no verdict.
        """
        self._check(limits)
        answers = self._ask(request_for(self._language, program, tests, limits), limits)
        checked = None
        if isinstance(tests, Stdio) and tests.checker is not None:
            call = check_call(tests, answers)
            if call.cases:
                request = request_for(PYTHON, tests.checker, call, limits)
                checked = self._ask(request, limits).program
        return judge(tests, answers, checked)

    def evaluate(
        self, program: str, entry_point: str, args: Sequence[Any], limits: Limits
    ) -> Evaluation:
        """What a function of a Python program returns for plain arguments.

        For code that must not run on the host because of what it does with a model's text: the
        scorers of others that call `eval` on it, say. The text can then do no harm, but it is in
        the process that scores it: such a score can be forged, a verdict of `run` cannot.

        Raises:
            ValueError: `limits.memory_bytes` does not fit into this pool's containers.
            SandboxError: The machine failed, again and again.
        """
        self._check(limits)
        call = Call(entry_point, (CallCase(tuple(args), None),))
        return evaluated(self._ask(request_for(PYTHON, program, call, limits), limits))

    def _check(self, limits: Limits) -> None:
        most = self._memory_bytes - RESERVE_BYTES
        if limits.memory_bytes > most:
            raise ValueError(
                f"limits: expected memory_bytes of at most {most}, found {limits.memory_bytes}; "
                "open the pool with a larger memory_bytes"
            )

    def slots(self) -> list[Slot]:
        """The slots that are free now."""
        return list(self._free.queue)

    def container_ids(self) -> list[str]:
        """Docker's ids of the containers of free slots."""
        return [container.id for slot in self.slots() for container in slot.containers()]

    def _ask(self, request: Request, limits: Limits) -> Answers:
        if self._client is None:
            raise RuntimeError("the pool is not open: use it as a context manager")
        slot = self._free.get()
        deadline, tries = time.monotonic() + self._engine_s, 0
        try:
            while True:
                try:
                    return slot.run(request, limits.wall_s)
                except (ContainerDied, SandboxError) as error:
                    if not self._engine_answers():
                        if time.monotonic() > deadline:
                            raise DockerUnavailable(no_engine(error)) from error
                        time.sleep(0.5)
                        continue
                    if isinstance(error, ImageMissing):
                        raise
                    tries += 1
                    if tries == TRIES:
                        raise ContainerFailed(
                            f"sandbox: {TRIES} containers died under the same program, the last "
                            f"because {error}; see `dmesg` and the engine's log, then run again"
                        ) from error
        finally:
            self._free.put(slot)

    def _engine_answers(self) -> bool:
        try:
            connect().close()
        except DockerUnavailable:
            return False
        return True

    def _start_container(self, partner: Container | None, cpu: int) -> Container:
        assert self._client is not None, "the pool is not open"
        try:
            touch()
        except OSError as error:
            raise DockerUnavailable(no_engine(error)) from error
        return Container(
            self._client,
            self._image,
            runtime=self._runtime,
            memory_bytes=self._memory_bytes,
            cpu=cpu,
            # Tests mostly import nothing, and a smaller process is cheaper to fork.
            warm=() if partner else (*WARM, *self._warm),
            partner=partner,
        )

    def _check_image(self, client: docker.DockerClient) -> None:
        try:
            client.images.get(self._image)
        except docker.errors.ImageNotFound as error:
            raise ImageMissing(
                f"Docker has no image {self._image}: build it with `{how_to_build(self._image)}`"
            ) from error

    def _close(self) -> None:
        while not self._free.empty():
            self._free.get().close()
        if self._client is not None:
            self._client.close()
            self._client = None
