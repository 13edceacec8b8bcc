"""Requests to OpenAI-compatible servers: bounded in flight, retried, spread over the servers.

What is retried: 429 and 5xx, hang-ups, half bodies, answers that are no completions, timeouts, and
other client errors; after `retries` more attempts the request has failed, which is data. A server
that cannot be reached costs no attempt: its requests go to the others or wait for it. What stops
the stage is an error: a refused key, address or model, all servers away for long, or a long row of
requests that all fail.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from yarl import URL

from factory.digest import canonical_json
from factory.errors import TeacherError
from factory.generate.answers import Kind, NoAnswer, Text, read_completions, read_error
from schemas.sample import Drop

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_MOST_S: Final = 30.0
_CONNECT_TIMEOUT_S: Final = 10.0
_FAILURES_IN_A_ROW: Final = 64
_CHECK_EVERY_S: Final = 0.5
_REST_POLL_S: Final = 0.05
_UNREACHABLE: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@dataclass(frozen=True)
class Ask:
    """One request: `count` completions of one prompt."""

    body: dict[str, Any]
    """The JSON body without `model`."""
    count: int
    tag: Any
    """Whatever the caller needs to know the answer by."""


@dataclass(frozen=True)
class Reply:
    """How a request ended: `texts`, or the reason why there are none."""

    ask: Ask
    texts: Sequence[Text]
    failure: tuple[Drop, str] | None
    server: str
    wall_s: float


@dataclass(frozen=True)
class Limits:
    """How hard servers are asked; `give_up_after_s` is how long all may be away together."""

    in_flight: int
    """Requests per server."""
    timeout_s: float
    retries: int
    give_up_after_s: float


@dataclass
class _Endpoint:
    number: int
    in_flight: int = 0
    rest_until_s: float = 0.0
    away_since_s: float | None = None
    misses: int = 0


@dataclass
class Client:
    """A client of several servers that serve the same model.

    Args:
        urls: Where they are now, each ending before `path`; asked for again at each request.
        path: `/completions` or `/chat/completions`.
        key: Sent as a bearer token where there is one; never written anywhere. Without one, a
            user and password in the address are sent.
        check: Called now and then; what it raises ends the work.
    """

    urls: Callable[[], Sequence[str]]
    path: str
    model: str
    limits: Limits
    key: str | None = None
    check: Callable[[], None] = lambda: None
    _endpoints: list[_Endpoint] = field(default_factory=list, init=False)
    _failed_in_a_row: int = field(default=0, init=False)

    async def run(self, asks: Iterator[Ask], done: Callable[[Reply], Awaitable[None]]) -> None:
        """Ask everything and hand each reply to `done`, in the order of arrival.

        Raises:
            TeacherError: The servers refuse us, are gone for long, or only fail.
        """
        self._endpoints = [_Endpoint(number) for number in range(len(self.urls()))]
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = aiohttp.ClientTimeout(
            total=self.limits.timeout_s, sock_connect=_CONNECT_TIMEOUT_S
        )
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            headers=headers, timeout=timeout, connector=connector
        ) as session:

            async def work() -> None:
                for ask in asks:
                    await done(await self._answer(session, ask))

            workers = [
                asyncio.create_task(work())
                for _ in range(self.limits.in_flight * len(self._endpoints))
            ]
            watcher = asyncio.create_task(self._watch())
            try:
                await _all_or_first_error(workers, watcher)
            finally:
                for task in (*workers, watcher):
                    task.cancel()
                await asyncio.gather(*workers, watcher, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            self.check()
            away = [endpoint.away_since_s for endpoint in self._endpoints]
            since = [one for one in away if one is not None]
            now = time.monotonic()
            if len(since) == len(away) and now - max(since) > self.limits.give_up_after_s:
                raise TeacherError(
                    f"model servers {[shown(url) for url in self.urls()]}: none could be reached "
                    f"for {self.limits.give_up_after_s:.0f} s; start them and run again, finished "
                    f"candidates are kept"
                )
            await asyncio.sleep(_CHECK_EVERY_S)

    async def _answer(self, session: aiohttp.ClientSession, ask: Ask) -> Reply:
        attempts = 0
        busy_since_s: float | None = None
        while True:
            endpoint = await self._take()
            url = self.urls()[endpoint.number]
            address = shown(url)
            begun = time.monotonic()
            try:
                answer = await self._post(session, url, ask)
            except _UNREACHABLE:
                self._missed(endpoint)
                continue
            finally:
                endpoint.in_flight -= 1
            wall_s = time.monotonic() - begun
            endpoint.away_since_s = None
            if isinstance(answer, list):
                self._failed_in_a_row = endpoint.misses = 0
                return Reply(ask, answer, None, address, wall_s)
            if answer.kind is Kind.REFUSED:
                raise TeacherError(
                    f"model server {address}: refuses requests for {self.model} ({answer.detail}); "
                    f"check the key, the address and the model's name"
                )
            if answer.kind is Kind.OVERLONG:
                return Reply(ask, [], (Drop.OVERLONG_PROMPT, answer.detail), address, wall_s)
            if answer.kind is Kind.BUSY:
                busy_since_s = busy_since_s or begun
                patient = time.monotonic() - busy_since_s < self.limits.timeout_s
                endpoint.misses += 1
                endpoint.rest_until_s = time.monotonic() + _backoff_s(endpoint.misses)
            else:
                attempts += 1
                patient = attempts <= self.limits.retries
            if not patient:
                self._count_failure(address, answer.detail)
                return Reply(ask, [], (Drop.FAILED, answer.detail), address, wall_s)
            if answer.kind is Kind.BAD:
                await asyncio.sleep(_backoff_s(attempts))

    async def _post(
        self, session: aiohttp.ClientSession, url: str, ask: Ask
    ) -> list[Text] | NoAnswer:
        target = shown(url) if self.key else url
        content = canonical_json({**ask.body, "model": self.model}).encode("utf-8", "replace")
        try:
            async with session.post(
                target + self.path, data=content, headers={"Content-Type": "application/json"}
            ) as response:
                body = await response.read()
        except _UNREACHABLE:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return NoAnswer(Kind.BAD, f"{type(error).__name__}: {error}"[:300])
        if response.status == 200:
            return read_completions(body, ask.count)
        return read_error(response.status, body)

    async def _take(self) -> _Endpoint:
        """The server with the fewest requests that neither rests nor is full; waits for one."""
        while True:
            now = time.monotonic()
            ready = [
                endpoint
                for endpoint in self._endpoints
                if endpoint.in_flight < self.limits.in_flight and endpoint.rest_until_s <= now
            ]
            if ready:
                chosen = min(ready, key=lambda endpoint: endpoint.in_flight)
                chosen.in_flight += 1
                return chosen
            await asyncio.sleep(_REST_POLL_S)

    def _missed(self, endpoint: _Endpoint) -> None:
        now = time.monotonic()
        endpoint.away_since_s = endpoint.away_since_s or now
        endpoint.misses += 1
        endpoint.rest_until_s = now + _backoff_s(min(endpoint.misses, 3))

    def _count_failure(self, url: str, detail: str) -> None:
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= _FAILURES_IN_A_ROW:
            raise TeacherError(
                f"model server {url}: {self._failed_in_a_row} requests in a row failed, the last "
                f"with {detail}; mend the server and run again, finished candidates are kept"
            )


async def _all_or_first_error(
    workers: list[asyncio.Task[None]], watcher: asyncio.Task[None]
) -> None:
    waiting: set[asyncio.Task[None]] = {*workers, watcher}
    while waiting != {watcher}:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


def shown(url: str) -> str:
    """The address without what may be a user's name and password."""
    return str(URL(url).with_user(None))


def _backoff_s(attempt: int) -> float:
    """Doubles per attempt up to half a minute, with a spread so that requests do not return at
    once together. The spread decides nothing that is stored."""
    full = min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 2 ** (attempt - 1))
    return full * random.uniform(0.5, 1.0)
