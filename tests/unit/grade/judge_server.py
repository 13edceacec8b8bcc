"""A real OpenAI-like server on 127.0.0.1 that judges: it reads the blocks that it is shown."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from schemas.grade_settings import GradeJudge
from schemas.machine import Endpoints, Machine, Paths
from tests.unit.generate.threaded_server import ThreadedServer

CORRECT = "Reason: it is the same.\nVerdict: CORRECT"
INCORRECT = "Reason: it is another.\nVerdict: INCORRECT"


@dataclass(frozen=True)
class Shown:
    """What a judge is shown, block by block; None where there is no such block."""

    problem: str
    answer: str
    reference: str | None
    history: str | None
    note: str
    """What stands outside of the blocks in the user's message."""


Reply = str | web.StreamResponse
Says = Callable[[Shown, int], Reply | Awaitable[Reply]]


def same_text(shown: Shown, times: int) -> str:
    """Right where the answer holds the reference; without one, where it says `good`."""
    return CORRECT if (shown.reference or "good") in shown.answer else INCORRECT


class JudgeServer(ThreadedServer):
    """Serves `/v1/models` (`judge-model`) and `/v1/chat/completions` from a thread.

    `says(shown, times)` gives the reply; `times` counts the requests with these messages.
    """

    def __init__(self, says: Says = same_text, *, key: str = "", latency_s: float = 0.0) -> None:
        super().__init__()
        self.bodies: list[dict[str, Any]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.says = says
        self._key = key
        self._latency_s = latency_s
        self._times: Counter[str] = Counter()

    @property
    def asked(self) -> int:
        """Requests for a judgement so far."""
        return len(self.bodies)

    @property
    def shown(self) -> list[Shown]:
        """What was shown in each of them."""
        return [read_shown(body["messages"]) for body in self.bodies]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/chat/completions", self._answer)

    def _refused(self, request: web.Request) -> bool:
        return bool(self._key) and request.headers.get("Authorization") != f"Bearer {self._key}"

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if self._refused(request):
            return web.json_response({"error": "no"}, status=401)
        return web.json_response({"data": [{"id": "judge-model"}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self._refused(request):
            return web.json_response({"error": "no"}, status=401)
        self.bodies.append(body)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self._latency_s)
            asked = json.dumps(body["messages"])
            self._times[asked] += 1
            saying = self.says(read_shown(body["messages"]), self._times[asked])
            said = saying if isinstance(saying, Reply) else await saying
            return said if isinstance(said, web.StreamResponse) else reply(said)
        finally:
            self.in_flight -= 1


def reply(text: str, finish_reason: str = "stop", **message: str) -> web.StreamResponse:
    """A whole answer with that text."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish_reason,
    }
    return web.json_response(
        {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}
    )


def read_shown(messages: list[dict[str, str]]) -> Shown:
    """The blocks of a question, found by the nonce that the system message names."""
    system, user = (message["content"] for message in messages)
    nonce = re.findall(r"<<<NAME ([0-9a-f]{16})>>>", system)[0]
    block = re.compile(rf"<<<([A-Z ]+) {nonce}>>>\n(.*?)\n<<<END \1 {nonce}>>>", re.DOTALL)
    found = dict(block.findall(user))
    return Shown(
        problem=found["PROBLEM"],
        answer=found["ANSWER"],
        reference=found.get("REFERENCE"),
        history=found.get("EARLIER TURNS"),
        note=block.sub("", user).strip(),
    )


def settings(**changes: Any) -> GradeJudge:
    """Of the model that the server serves."""
    return GradeJudge.model_validate({"model": "judge-model", "revision": "1", **changes})


def machine(folder: Path, *urls: str, **changes: Any) -> Machine:
    """With these endpoints, quick to give up; judgements are kept in the folder."""
    defaults = {"requests_in_flight": 4, "request_timeout_s": 5.0, "retries": 1}
    return Machine(
        paths=Paths(artifacts=str(folder)),
        judge=Endpoints.model_validate({"base_urls": urls, **defaults, **changes}),
    )
