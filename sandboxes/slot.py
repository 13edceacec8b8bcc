"""One slot: the container of programs and, from the first `asserts` on, that of their tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandboxes.answer import Answer
from sandboxes.container import Container, converse
from sandboxes.inside.runner import EXTENSION
from sandboxes.languages import Language
from sandboxes.request import Request

GRACE_S = 30.0
"""How much longer than a run's own limits the host waits before it gives a container up."""

Start = Callable[[Container | None, int], Container]


@dataclass(frozen=True)
class Answers:
    """What came of one run."""

    program: Answer
    tests: Answer | None
    """Of the container of the tests, where they run in one."""


class Slot:
    """Runs one program at a time, in containers of its own on a core of its own."""

    def __init__(self, language: Language, cpu: int, start: Start) -> None:
        """Nothing is started yet. `start` starts a container, beside another where one is given,
        on a core."""
        self.cpu = cpu
        self._start = start
        self._compile_s = language.compile_limits.wall_s if language.compiler else 0.0
        self._program: Container | None = None
        self._tests: Container | None = None

    def start(self) -> None:
        """Start the container of programs where there is none. Raises `SandboxError`."""
        if self._program is None:
            self._program = self._start(None, self.cpu)

    def run(self, request: Request, wall_s: float) -> Answers:
        """Send one request and return its answers; what is not up is started.

        Raises:
            ContainerDied: There is no answer; the slot's containers are gone.
            SandboxError: A container did not start; the slot's containers are gone.
        """
        timeout_s = (1 + EXTENSION) * (wall_s + self._compile_s) + GRACE_S
        try:
            self.start()
            assert self._program is not None
            if request.tests is None:
                return Answers(converse([(self._program, request.program)], timeout_s)[0], None)
            if self._tests is None:
                self._tests = self._start(self._program, self.cpu)
            pair = [(self._program, request.program), (self._tests, request.tests)]
            return Answers(*converse(pair, timeout_s))
        except BaseException:
            # Half a conversation is of no use: the next run would read the rest of this one.
            self.close()
            raise

    def containers(self) -> list[Container]:
        """The containers that are up."""
        return [one for one in (self._program, self._tests) if one is not None]

    def close(self) -> None:
        """Remove the containers, whatever they are doing."""
        gone = self.containers()
        self._program = self._tests = None
        for container in reversed(gone):
            container.close()
