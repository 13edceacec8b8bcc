"""Requests to OpenAI-compatible servers: bounded in flight, spread over the servers, none lost.

A request ends in a reply: completions, or the reason why there are none, which is data. What costs
it an attempt, what does not, and what stops the stage is in `troubles`; which server is asked next
in `endpoints`; what an answer means in `answers` and `refusals`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import aiohttp

from factory.digest import canonical_json
from factory.errors import TeacherError
from factory.generate.answers import Answer, Text, read_completions
from factory.generate.connection import client_session, post, shown, target, without_secrets
from factory.generate.endpoints import Endpoints
from factory.generate.refusals import NoAnswer, read_error
from factory.generate.suspects import Suspects
from factory.generate.troubles import Course, Post, Troubles
from factory.generate.waiting import Waiting
from schemas import machine
from schemas.sample import Drop

__all__ = ["Ask", "Client", "Limits", "Reply", "shown", "timeout_for"]

_CHECK_EVERY_S: Final = 0.5
_TIMEOUT_S: Final = 300.0
_TIMEOUT_S_PER_TOKEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `count` completions of one prompt."""

    body: dict[str, Any]
    """The JSON body without `model`."""
    count: int
    tag: Any
    """Whatever the caller needs to know the answer by."""


class Reply(NamedTuple):
    """How a request ended: `texts`, or the reason why there are none."""

    ask: Ask
    texts: Sequence[Text]
    failure: tuple[Drop, str] | None
    server: str
    wall_s: float
    """From the request that was answered to its answer, without the attempts before it."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """Of all texts together, by the server's count."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard servers are asked; `give_up_after_s` is how long all may be away together."""

    in_flight: int
    """Requests per server."""
    timeout_s: float
    """Of one request, and how long a server may say that it is busy while it answers nobody."""
    retries: int
    give_up_after_s: float


def timeout_for(endpoints: machine.Endpoints, max_tokens: int) -> float:
    """Seconds that one request may take: the machine file's, else by how much may be written."""
    return endpoints.request_timeout_s or _TIMEOUT_S + _TIMEOUT_S_PER_TOKEN * max_tokens


@dataclass
class Client:
    """A client of several servers that serve the same model.

    Args:
        urls: Where they are now, each ending before `path`; asked for again at each request. A
            server that was started again has another address at the same place.
        path: `/completions`, `/chat/completions`, or one whose answers `read` knows.
        key: Sent as a bearer token where there is one; never written anywhere. Without one, a
            user and password in the address are sent.
        check: Called now and then; what it raises ends the work.
        answered: Told the place in `urls` of a server whose request has come to an end, by an
            answer or because the request was found guilty of the server's deaths.
        known: These servers have answered this work before, so that more requests in a row may
            be to blame for their deaths before the servers are.
        read: What the body of a 200 answer means, for so many completions that were asked for.
    """

    urls: Callable[[], Sequence[str]]
    path: str
    model: str
    limits: Limits
    key: str | None = None
    check: Callable[[], None] = lambda: None
    answered: Callable[[int], None] = lambda number: None
    known: bool = False
    read: Callable[[bytes, int], Answer | NoAnswer] = read_completions

    async def run(
        self, asks: Iterator[Ask], done: Callable[[Reply], Awaitable[Iterable[Ask] | None]]
    ) -> None:
        """Ask everything and hand each reply to `done`, in the order of arrival.

        What `done` gives back is asked before anything new. No more of `asks` exist at a time than
        may be in flight.

        Raises:
            TeacherError: The servers refuse us, are gone for long, or only fail.
        """
        endpoints = Endpoints(len(self.urls()), self.limits.in_flight)
        suspects = Suspects()
        async with client_session(self.key, self.limits.timeout_s) as session:
            ask_for = self._poster(session)
            troubles = Troubles(
                endpoints=endpoints,
                urls=self.urls,
                model=self.model,
                retries=self.limits.retries,
                patience_s=self.limits.timeout_s,
                answered=self.answered,
                post=ask_for,
                known=self.known,
            )

            waiting = Waiting(asks)

            async def work() -> None:
                while (ask := await waiting.take()) is not None:
                    waiting.answered(await done(await self._reply(ask, troubles, suspects)) or ())

            workers = [
                asyncio.create_task(work()) for _ in range(self.limits.in_flight * endpoints.count)
            ]
            watcher = asyncio.create_task(self._watch(troubles))
            try:
                await _all_or_first_error(workers, watcher)
            finally:
                for task in (*workers, watcher):
                    task.cancel()
                await asyncio.gather(*workers, watcher, return_exceptions=True)

    async def _watch(self, troubles: Troubles) -> None:
        while True:
            self.check()
            if troubles.endpoints.all_away_s() > self.limits.give_up_after_s:
                raise TeacherError(
                    f"model servers {[shown(url) for url in self.urls()]}: none could be reached "
                    f"for {self.limits.give_up_after_s:.0f} s ({troubles.last_miss}); start them "
                    f"and run again, finished candidates are kept"
                )
            await asyncio.sleep(_CHECK_EVERY_S)

    async def _reply(self, ask: Ask, troubles: Troubles, suspects: Suspects) -> Reply:
        course = Course(ask.body)
        while True:
            async with suspects.turn(course.deaths):
                endpoint = await troubles.endpoints.take(course.bad)
                url = self.urls()[endpoint.number]
                begun_s = time.monotonic()
                try:
                    said = await troubles.post(url, course.body, ask.count)
                finally:
                    troubles.endpoints.leave(endpoint)
                wall_s = time.monotonic() - begun_s
                if isinstance(said, Answer):
                    troubles.passed(endpoint)
                    tokens = said.prompt_tokens, said.completion_tokens
                    return Reply(ask, said.texts, None, shown(url), wall_s, *tokens)
                given_up = await troubles.judge(course, said, endpoint, url)
            if given_up is not None:
                return Reply(ask, [], given_up, shown(url), wall_s)

    def _poster(self, session: aiohttp.ClientSession) -> Post:
        async def ask_for(url: str, body: dict[str, Any], count: int) -> Answer | NoAnswer:
            content = canonical_json({**body, "model": self.model}).encode("utf-8", "replace")
            said = await post(session, target(url, self.path, has_key=bool(self.key)), content)
            if isinstance(said, NoAnswer):
                return said
            if said.status == 200:
                return self.read(said.body, count)
            words = without_secrets(said.body, url, self.key)
            return read_error(said.status, words, said.retry_after)

        return ask_for


async def _all_or_first_error(
    workers: list[asyncio.Task[None]], watcher: asyncio.Task[None]
) -> None:
    waiting: set[asyncio.Task[None]] = {*workers, watcher}
    while waiting != {watcher}:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
