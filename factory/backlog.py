"""What is to be done: items taken from the iterable as there is room, by where they may be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_HELD: Final = 32
"""Items of one kind that are held back while others go past them."""


class Kind(StrEnum):
    """Where an item may be done."""

    ANYWHERE = "anywhere"
    SANDBOX = "sandbox"
    """Where Docker is."""


@dataclass
class Task:
    """One item, until its result is there."""

    position: int
    item: Any
    kind: Kind
    deaths: int = 0
    """Workers that died at it."""


class Backlog:
    """Tasks that nobody has been given.

    Args:
        in_sandbox: Items for which it is true need a sandbox; None: none does.
    """

    def __init__(self, items: Iterable[Any], in_sandbox: Callable[[Any], bool] | None) -> None:
        self._rest = enumerate(items)
        self._in_sandbox = in_sandbox
        self._held: dict[Kind, deque[Task]] = {kind: deque() for kind in Kind}
        self._exhausted = False

    def fill(self, room: Mapping[Kind, int]) -> None:
        """Take items until there are enough for the room, or too many of one kind are in the way.

        Args:
            room: How many of each kind could be given out now; a kind that is left out has none.
        """
        while not self._exhausted and self._wants_more(room):
            following = next(self._rest, None)
            if following is None:
                self._exhausted = True
                return
            position, item = following
            sandboxed = self._in_sandbox is not None and self._in_sandbox(item)
            kind = Kind.SANDBOX if sandboxed else Kind.ANYWHERE
            self._held[kind].append(Task(position, item, kind))

    def _wants_more(self, room: Mapping[Kind, int]) -> bool:
        short = [kind for kind in Kind if len(self._held[kind]) < room.get(kind, 0)]
        in_the_way = [kind for kind in Kind if kind not in short and self.count(kind) >= _HELD]
        return bool(short) and not in_the_way

    def count(self, kind: Kind) -> int:
        """Tasks of a kind that are here."""
        return len(self._held[kind])

    def take(self, kind: Kind) -> Task:
        """The next one of a kind; there must be one."""
        return self._held[kind].popleft()

    def put_back(self, tasks: list[Task]) -> None:
        """Tasks that were given out and not done, in their order: they are next."""
        for task in reversed(tasks):
            self._held[task.kind].appendleft(task)

    @property
    def finished(self) -> bool:
        """Whether all items have been taken and given out."""
        return self._exhausted and not any(self._held.values())
