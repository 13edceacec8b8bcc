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

Start = Callable[[Container | None], Container]


@dataclass(frozen=True)
class Answers:
    """What came of one run."""

    program: Answer
    tests: Answer | None
    """Of the container of the tests, where they run in one."""


class Slot:
    """Runs one program at a time, in containers of its own."""

    def __init__(self, language: Language, start: Start) -> None:
        """`start` starts a container, beside another where one is given."""
        self._start = start
        self._compile_s = language.compile_limits.wall_s if language.compiler else 0.0
        self._program = start(None)
        self._tests: Container | None = None

    def run(self, request: Request, wall_s: float) -> Answers:
        """Send one request and return its answers.

        Raises:
            ContainerDied: There is none.
            SandboxError: The container of the tests did not start.
        """
        timeout_s = (1 + EXTENSION) * (wall_s + self._compile_s) + GRACE_S
        if request.tests is None:
            return Answers(converse([(self._program, request.program)], timeout_s)[0], None)
        if self._tests is None:
            self._tests = self._start(self._program)
        pair = [(self._program, request.program), (self._tests, request.tests)]
        program, tests = converse(pair, timeout_s)
        return Answers(program, tests)

    def containers(self) -> list[Container]:
        """The containers of this slot."""
        return [self._program] if self._tests is None else [self._program, self._tests]

    def close(self) -> None:
        """Remove the containers, whatever they are doing."""
        for container in reversed(self.containers()):
            container.close()
