"""One worker on a node as it is seen from here, and what may happen to it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from factory.backlog import Kind, Task
from factory.cluster.nodes import Node

_STARTS: Final = 3
_REST_S: Final = 30.0
"""After so many deaths of workers at their start a node is left alone for so long."""


@dataclass(eq=False)
class Worker:
    """One actor, as it is seen from here."""

    actor: Any
    node: Node
    kind: Kind
    starting: Any
    """Ray's reference to the end of its start; None when it is ready."""
    given: dict[Any, Task] = field(default_factory=dict[Any, Task])
    """Reference -> task, in the order given: it works at the first."""


@dataclass(frozen=True)
class Done:
    """A task has an end."""

    worker: Worker
    task: Task
    well: bool
    frozen: bytes
    """What was made, or the error."""


@dataclass(frozen=True)
class Died:
    """A worker died with these tasks undone, in their order; it worked at the first."""

    worker: Worker
    tasks: list[Task]


@dataclass(frozen=True)
class FailedStarts:
    """Workers of one node that died before they were ready, one after the other."""

    count: int
    last_s: float
    why: str

    @property
    def rests(self) -> bool:
        """Whether no more are to be started there now."""
        return self.count >= _STARTS and time.monotonic() - self.last_s < _REST_S
