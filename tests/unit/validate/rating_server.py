"""A real server on 127.0.0.1 that rates answers: as a chat model, and as vLLM's `/pooling`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.unit.generate.threaded_server import ThreadedServer
from tests.unit.grade.judge_server import read_shown

Says = Callable[[str, int], "str | web.Response"]
"""From an answer, and how often it was asked for: a judge's reply, or another response."""


def in_form(mark: float | str) -> str:
    """A judge's reply with that mark."""
    return f"Reason: it looks so.\nMark: {mark}"


class RatingServer(ThreadedServer):
    """Serves the model `rater` from a thread. `says` is asked for chat completions, `rewards` for
    the content of `data` of `/pooling`."""

    def __init__(
        self,
        says: Says = lambda answer, times: in_form(5),
        rewards: Callable[[str], Any] = lambda answer: [0.5],
        *,
        latency_s: float = 0.0,
    ) -> None:
        super().__init__()
        self.says, self.rewards = says, rewards
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self._latency_s = latency_s
        self._times: dict[str, int] = {}

    @property
    def asked(self) -> int:
        """Requests for a rating so far."""
        return len(self.bodies)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/chat/completions", self._judged)
        router.add_post("/pooling", self._rewarded)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [{"id": "rater"}]})

    async def _judged(self, request: web.Request) -> web.StreamResponse:
        body = await self._took(request)
        answer = read_shown(body["messages"]).answer
        self._times[answer] = self._times.get(answer, 0) + 1
        said = self.says(answer, self._times[answer])
        if not isinstance(said, str):
            return said
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 5}
        return web.json_response({"choices": [choice], "usage": usage})

    async def _rewarded(self, request: web.Request) -> web.StreamResponse:
        body = await self._took(request)
        said = self.rewards(body["messages"][-1]["content"])
        if isinstance(said, web.StreamResponse):
            return said
        data = [{"index": 0, "object": "pooling", "data": said}]
        return web.json_response({"data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}})

    async def _took(self, request: web.Request) -> dict[str, Any]:
        body = await request.json()
        self.bodies.append(body)
        self.paths.append(request.path)
        await asyncio.sleep(self._latency_s)
        return body
