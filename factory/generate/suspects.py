"""Requests that were in flight when a server died: asked one at a time, until one is found guilty.

A prompt that kills its server takes along every request beside it, and killed servers come back to
the same requests. So a request that has seen two deaths waits for its turn: only one such request
is in flight at a time, the one with the most deaths first. The innocent are answered; the guilty
one sees the deaths that end it. A request that killings from outside have hit as often would be
taken for guilty: four times in one request.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

SUSPECT_DEATHS: Final = 2
GUILTY_DEATHS: Final = 4


class Suspects:
    """The turn of requests that have seen deaths."""

    def __init__(self) -> None:
        self._busy = False
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, deaths: int) -> AsyncGenerator[None]:
        """Enter at once with fewer deaths than a suspect's; else when no other suspect is in."""
        if deaths < SUSPECT_DEATHS:
            yield
            return
        if self._busy:
            mine = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (-deaths, next(self._order), mine))
            await mine
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return  # stays busy: the turn goes over
        self._busy = False
