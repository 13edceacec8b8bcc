"""The requests that wait to be made: what follows from an answer first, then new ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Ask = TypeVar("Ask")


class Waiting(Generic[Ask]):
    """Hands out requests to workers of one event loop, until none is left and none may follow.

    New ones are taken from their iterator as they are needed, so that no more exist at a time than
    are in flight, and what follows from these.
    """

    def __init__(self, asks: Iterator[Ask]) -> None:
        self._asks = asks
        self._following: deque[Ask] = deque()
        self._out = 0
        self._changed = asyncio.Event()

    async def take(self) -> Ask | None:
        """The next request; None once all are answered and nothing follows. `answered` must be
        told of each."""
        while True:
            ask = self._following.popleft() if self._following else next(self._asks, None)
            if ask is not None:
                self._out += 1
                return ask
            if not self._out:
                return None
            self._changed.clear()
            await self._changed.wait()

    def answered(self, following: Iterable[Ask]) -> None:
        """A request that was taken is done with, and these follow from it."""
        self._out -= 1
        self._following.extend(following)
        self._changed.set()
