"""What becomes of a request that was not answered: asked again, given up, or the end of the stage.

What costs a request one of its attempts: an error, half a body, an answer that is no completion, a
timeout. After `retries` more attempts the request has failed, which is data. What costs none: a
server that cannot be reached, a connection that broke because its server died, and the first
connection that breaks for no known reason (one that was kept alive and closed meanwhile). What
stops the stage is an error: a refused key, address, model or setting, a server that is busy for
long, or a long row of requests that all fail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from factory.errors import TeacherError
from factory.generate.answers import Answer
from factory.generate.connection import reachable, shown
from factory.generate.endpoints import Endpoint, Endpoints, backoff_s
from factory.generate.refusals import Kind, NoAnswer
from factory.generate.suspects import GUILTY_DEATHS
from schemas.sample import Drop

GivenUp = tuple[Drop, str]
Post = Callable[[str, dict[str, Any], int], Awaitable[Answer | NoAnswer]]
"""Asks a URL for so many completions of a body."""

_FAILURES_IN_A_ROW: Final = 64
_GUILTY_IN_A_ROW: Final = 3
_GUILTY_OF_KNOWN: Final = 16
"""Of servers that are known to answer: the last requests of a round may well be bad ones, and a
run that is started again asks only those."""
_DYING_S: Final = 15.0
"""How long a server may take to go after it has said that its engine died."""
_LOOK_EVERY_S: Final = 0.25
_CUTS: Final = 4
"""How often `max_tokens` of a request may be lowered until it fits."""


@dataclass(slots=True)
class Course:
    """One request and what it has been through."""

    body: dict[str, Any]
    attempts: int = 0
    deaths: int = 0
    breaks: int = 0
    cuts: int = 0
    busy_since_s: float | None = None
    bad: Endpoint | None = None
    """Who answered badly last."""


@dataclass
class Troubles:
    """Decides what becomes of requests, by what they and the servers have been through.

    Args:
        patience_s: How long a server may say that it is busy while it answers nobody.
        answered: Told the place in `urls` of a server whose request has come to an end.
    """

    endpoints: Endpoints
    urls: Callable[[], Sequence[str]]
    model: str
    retries: int
    patience_s: float
    answered: Callable[[int], None]
    post: Post
    known: bool
    """Whether these servers have answered this work before."""
    last_miss: str = field(default="", init=False)
    _failed_in_a_row: int = field(default=0, init=False)
    _guilty_in_a_row: int = field(default=0, init=False)
    _last_answer_s: float = field(default=0.0, init=False)

    def passed(self, endpoint: Endpoint) -> None:
        """A request was answered, or rightly turned down: the server works."""
        self._failed_in_a_row = self._guilty_in_a_row = 0
        self._last_answer_s = time.monotonic()
        self.endpoints.answered(endpoint)
        self.answered(endpoint.number)

    async def judge(
        self, course: Course, said: NoAnswer, endpoint: Endpoint, url: str
    ) -> GivenUp | None:
        """Why the request is given up; None, perhaps after a while, when it is to be asked again.

        Raises:
            TeacherError: No request can be answered, or all fail.
        """
        if said.kind is Kind.AWAY:
            self.last_miss = said.detail
            self.endpoints.missed(endpoint)
            return None
        self.endpoints.reached(endpoint)
        match said.kind:
            case Kind.REFUSED:
                raise self._refusal(url, said.detail, said.remedy)
            case Kind.OVERLONG:
                self.passed(endpoint)
                return Drop.OVERLONG_PROMPT, said.detail
            case Kind.DECLINED:
                self.passed(endpoint)
                return Drop.FAILED, said.detail
            case Kind.CROWDED:
                return await self._cut(course, said, endpoint, url)
            case Kind.BUSY:
                return self._be_patient(course, said, endpoint, url)
            case _:
                return await self._strike(course, said, endpoint, url)

    async def _strike(
        self, course: Course, said: NoAnswer, endpoint: Endpoint, url: str
    ) -> GivenUp | None:
        """Count what went wrong as a death of the server, or as an attempt."""
        course.breaks += said.kind is Kind.BROKEN
        free = said.kind is Kind.BROKEN and course.breaks == 1
        if not free:
            await asyncio.sleep(backoff_s(course.attempts + 1))
        if await self._is_gone(endpoint, url, _DYING_S if said.kind is Kind.DYING else 0.0):
            self.endpoints.missed(endpoint)
            return self._died(course, said, endpoint, url)
        if free:
            return None
        self.endpoints.bad(endpoint)
        course.bad = endpoint
        course.attempts += 1
        if course.attempts <= self.retries:
            return None
        return self._failed(url, said.detail)

    async def _is_gone(self, endpoint: Endpoint, url: str, within_s: float) -> bool:
        deadline_s = time.monotonic() + within_s
        while self.urls()[endpoint.number] == url and await reachable(url):
            if time.monotonic() >= deadline_s:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    def _died(self, course: Course, said: NoAnswer, endpoint: Endpoint, url: str) -> GivenUp | None:
        course.deaths += 1
        if course.deaths < GUILTY_DEATHS:
            return None
        self._guilty_in_a_row += 1
        self.answered(endpoint.number)
        detail = f"in flight at {course.deaths} deaths of its server, the last with {said.detail}"
        if self._guilty_in_a_row >= (_GUILTY_OF_KNOWN if self.known else _GUILTY_IN_A_ROW):
            raise self._only_failures(url, self._guilty_in_a_row, detail)
        return Drop.FAILED, detail

    def _be_patient(
        self, course: Course, said: NoAnswer, endpoint: Endpoint, url: str
    ) -> GivenUp | None:
        self.endpoints.busy(endpoint, said.wait_s)
        now = time.monotonic()
        course.busy_since_s = course.busy_since_s or now
        if now - course.busy_since_s < self.patience_s:
            return None
        if self._last_answer_s > course.busy_since_s:
            return self._failed(url, said.detail)  # others are answered, this one never is
        raise TeacherError(
            f"model server {shown(url)}: said for {self.patience_s:.0f} s that it is busy "
            f"({said.detail}); lower requests_in_flight in the machine file or wait, and run "
            f"again, finished candidates are kept"
        )

    async def _cut(
        self, course: Course, said: NoAnswer, endpoint: Endpoint, url: str
    ) -> GivenUp | None:
        """Lower `max_tokens` to what the context leaves beside the prompt. The completion is then
        cut where the context ends, as vLLM 0.32 does by itself."""
        asked: int | None = course.body.get("max_tokens")
        if said.context is None or asked is None:
            return self._failed(url, said.detail)
        if asked > said.context:
            remedy = f"serve it with a longer context, or lower max_tokens from {asked}"
            raise self._refusal(url, said.detail, remedy)
        length = said.prompt_tokens
        if length is None:
            length = await self._prompt_length(course, url)
        course.cuts += 1
        if length is None or course.cuts > _CUTS:
            return self._failed(url, said.detail)
        room = min(said.context - length, asked - 1)  # some servers keep one token for themselves
        if room < 1:
            self.passed(endpoint)
            return Drop.OVERLONG_PROMPT, said.detail
        course.body = {**course.body, "max_tokens": room}
        return None

    async def _prompt_length(self, course: Course, url: str) -> int | None:
        """Tokens of the prompt as the server counts them, for the price of one token: some versions
        of vLLM only say how many they are at least."""
        one = {name: value for name, value in course.body.items() if name != "n"}
        answer = await self.post(url, {**one, "max_tokens": 1}, 1)
        return answer.prompt_tokens if isinstance(answer, Answer) else None

    def _failed(self, url: str, detail: str) -> GivenUp:
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= _FAILURES_IN_A_ROW:
            raise self._only_failures(url, self._failed_in_a_row, detail)
        return Drop.FAILED, detail

    def _only_failures(self, url: str, times: int, detail: str) -> TeacherError:
        return TeacherError(
            f"model server {shown(url)}: {times} requests in a row failed, the last with {detail}; "
            f"mend the server and run again, finished candidates are kept"
        )

    def _refusal(self, url: str, detail: str, remedy: str) -> TeacherError:
        return TeacherError(
            f"model server {shown(url)}: refuses requests for {self.model} ({detail}); {remedy}"
        )
