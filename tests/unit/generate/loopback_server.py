"""A real OpenAI-like server on 127.0.0.1 that also answers as badly as servers do."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

_SETTLE_S: Final = 0.02
"""For connections that are just made or closed."""
DIES: Final = web.Response(status=599)
Trouble = Callable[[web.Request, dict[str, Any], int], "web.StreamResponse | None"]


def always_well(request: web.Request, body: dict[str, Any], times: int) -> None:
    """No trouble at all."""


class LoopbackServer:
    """Serves `/v1/models`, `/v1/completions` and `/v1/chat/completions` from a thread.

    `trouble(request, body, times)` may answer instead; `times` counts the requests with that seed.
    Where it gives `DIES`, the server is gone as after `kill -9`: nothing listens any more, and all
    its connections break.
    """

    def __init__(
        self,
        trouble: Trouble = always_well,
        *,
        key: str = "",
        latency_s: float = 0.0,
        models: Callable[[web.Request], web.StreamResponse] | None = None,
    ) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._trouble = trouble
        self._key = key
        self._latency_s = latency_s
        self._own_models = models
        self._times: Counter[int] = Counter()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.base_url = ""
        self.dead = threading.Event()

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(_end_all_others())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/completions", self._answer)
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._started.set()
        await self._stop.wait()
        await asyncio.sleep(_SETTLE_S)
        self._break_connections()
        await runner.cleanup()

    def _refused(self, request: web.Request) -> bool:
        return bool(self._key) and request.headers.get("Authorization") != f"Bearer {self._key}"

    async def _models(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self._latency_s)
        if self._own_models is not None:
            return self._own_models(request)
        if self._refused(request):
            return web.json_response({"error": "no"}, status=401)
        return web.json_response({"data": [{"id": "tiny"}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        if self._refused(request):
            return web.json_response({"error": "no"}, status=401)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self._latency_s)
            self._times[body["seed"]] += 1
            bad = self._trouble(request, body, self._times[body["seed"]])
            if bad is DIES:
                await self._die()
            return web.json_response(good(body)) if bad is None else bad
        finally:
            self.in_flight -= 1

    async def _die(self) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        self._break_connections()
        self.dead.set()

    def _break_connections(self) -> None:
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()


async def _end_all_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(_SETTLE_S)


class Fleet:
    """Servers that are started again, on another port, some time after they died."""

    def __init__(self, count: int, trouble: Trouble, *, latency_s: float, away_s: float) -> None:
        self.deaths = 0
        self.answered: list[int] = []
        self._make = lambda: LoopbackServer(trouble, latency_s=latency_s)
        self._away_s = away_s
        self._servers = [self._make() for _ in range(count)]
        self._all = list(self._servers)
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def urls(self) -> list[str]:
        return [server.base_url for server in self._servers]

    def __enter__(self) -> Fleet:
        for server in self._servers:
            server.__enter__()
        self._watcher.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._watcher.join()
        for server in self._all:
            server.__exit__()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            for number, server in enumerate(self._servers):
                if not server.dead.is_set():
                    continue
                self.deaths += 1
                self._stop.wait(self._away_s)
                following = self._make()
                following.__enter__()
                self._all.append(following)
                self._servers[number] = following


def good(body: dict[str, Any]) -> dict[str, Any]:
    """What a server answers: each completion names its own seed."""
    count = body.get("n", 1)
    said = [f"seed {body['seed'] + offset}" for offset in range(count)]
    choices: list[dict[str, Any]] = [
        {"index": index, "text": text, "finish_reason": "stop", "token_ids": [1, 2, 3]}
        for index, text in enumerate(said)
    ]
    if "messages" in body:
        choices = [
            {
                "index": index,
                "message": {"content": text, "reasoning_content": "so be it"},
                "finish_reason": "stop",
            }
            for index, text in enumerate(said)
        ]
    usage = {"prompt_tokens": 7, "completion_tokens": 3 * count}
    return {"choices": choices, "usage": usage}


def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class HalfBody(web.Response):
    """Promises more bytes than it sends."""

    async def write_eof(self, data: bytes = b"") -> None:
        assert self._req is not None
        assert self._req.transport is not None
        self._req.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
            b'{"choices": ['
        )
        self._req.transport.close()

    async def prepare(self, request: web.BaseRequest) -> None:
        self._req = request
