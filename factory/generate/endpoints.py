"""The servers that a client asks: who may take the next request, who rests, who is away.

A server that asked for a pause, gave bad answers in a row or could not be reached rests for a
while, longer each time; then one request tries it, and when that is answered the others follow.
Whoever waits for a server is woken by what changes, not by a clock.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_REST_FIRST_S: Final = 0.5
_REST_MOST_S: Final = 30.0
_AWAY_REST_MOST_S: Final = 1.0
_ASKED_REST_MOST_S: Final = 120.0
_BAD_IN_A_ROW: Final = 3


@dataclass(eq=False)
class Endpoint:
    """One server, known by its place in the list of addresses."""

    number: int
    in_flight: int = 0
    rests: int = 0
    """Rests that have not ended."""
    troubles: int = 0
    """Rests, refusals and bad answers since the last good one."""
    away_since_s: float | None = None


@dataclass
class Endpoints:
    """All servers of one client.

    Args:
        count: How many there are.
        most: Requests in flight per server.
    """

    count: int
    most: int
    all: Sequence[Endpoint] = field(init=False)
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self.all = [Endpoint(number) for number in range(self.count)]

    async def take(self, avoid: Endpoint | None = None) -> Endpoint:
        """A place at the server with the fewest requests; waits for one.

        Args:
            avoid: Taken only where no other has a place.
        """
        while True:
            ready = [one for one in self.all if not one.rests and one.in_flight < self._places(one)]
            if ready:
                chosen = min(ready, key=lambda one: (one is avoid, one.in_flight))
                chosen.in_flight += 1
                return chosen
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def leave(self, endpoint: Endpoint) -> None:
        """Give the place back."""
        endpoint.in_flight -= 1
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def answered(self, endpoint: Endpoint) -> None:
        """It answered well: it is here, and all its places are free again."""
        if endpoint.troubles or endpoint.away_since_s is not None:
            endpoint.troubles, endpoint.away_since_s = 0, None
            self._wake_all()

    def reached(self, endpoint: Endpoint) -> None:
        """It answered, well or not: it is here."""
        endpoint.away_since_s = None

    def busy(self, endpoint: Endpoint, wait_s: float | None) -> None:
        """It wants to be left alone, for so long where it says so."""
        if endpoint.rests and wait_s is None:
            return  # one of a burst, whose first has been heard
        endpoint.troubles += 1
        pause_s = backoff_s(endpoint.troubles) if wait_s is None else wait_s
        self._rest(endpoint, min(pause_s, _ASKED_REST_MOST_S))

    def missed(self, endpoint: Endpoint) -> None:
        """It could not be reached."""
        endpoint.away_since_s = endpoint.away_since_s or time.monotonic()
        if not endpoint.rests:
            endpoint.troubles += 1
            self._rest(endpoint, min(backoff_s(endpoint.troubles), _AWAY_REST_MOST_S))

    def bad(self, endpoint: Endpoint) -> None:
        """It answered badly. Several times in a row, it rests if another server can take over: one
        that fails at once would else draw all requests to itself."""
        if endpoint.rests:
            return
        endpoint.troubles += 1
        if endpoint.troubles >= _BAD_IN_A_ROW and any(
            one is not endpoint and not one.troubles for one in self.all
        ):
            self._rest(endpoint, backoff_s(endpoint.troubles - _BAD_IN_A_ROW + 1))

    def all_away_s(self) -> float:
        """For how long no server at all could be reached; 0 where one can."""
        since = [one.away_since_s for one in self.all]
        return min((0.0 if one is None else time.monotonic() - one for one in since), default=0.0)

    def _places(self, endpoint: Endpoint) -> int:
        trying = endpoint.away_since_s is not None or (
            endpoint.troubles >= _BAD_IN_A_ROW and self.count > 1
        )
        return 1 if trying else self.most

    def _rest(self, endpoint: Endpoint, pause_s: float) -> None:
        endpoint.rests += 1
        asyncio.get_running_loop().call_later(pause_s, self._end_rest, endpoint)

    def _end_rest(self, endpoint: Endpoint) -> None:
        endpoint.rests -= 1
        self._wake_all()

    def _wake_all(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)


def backoff_s(attempt: int) -> float:
    """Doubles per attempt up to half a minute, with a spread so that requests do not return at
    once together. The spread decides nothing that is stored."""
    full = min(_REST_MOST_S, _REST_FIRST_S * 2 ** min(attempt - 1, 16))
    return full * random.uniform(0.5, 1.0)
