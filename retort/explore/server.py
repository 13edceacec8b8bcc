"""The explorer's HTTP interface: which path is answered by what, and how a refusal is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from factory.errors import RetortError
from retort.explore.answer_headers import Guarded
from retort.explore.asked import Refused
from retort.explore.explorer import Explorer
from retort.explore.index_folder import Opened
from retort.explore.marks import MarkFile
from retort.explore.search import Search

VIEWS: Final = ("/", "/problem")
"""Paths that are the page; it reads the address itself."""


def app(opened: Opened, marks: MarkFile, search: Search | None = None) -> Starlette:
    """The application; every answer of `/api` is JSON, an error too.

    Args:
        search: None: this application does not search, and says so.
    """
    explorer = Explorer(opened, marks, search or Search.off())
    routes = [
        Route("/api/about", _sync(explorer.about)),
        Route("/api/rows", _sync(explorer.rows)),
        Route("/api/problem", _sync(explorer.problem)),
        Route("/api/text", _sync(explorer.text)),
        Route("/api/marks", _sync(explorer.marks), methods=["GET"]),
        Route("/api/marks", explorer.mark, methods=["POST"]),
        Route("/api/{rest:path}", _no_such),
        Route("/assets/{name:path}", _sync(explorer.asset)),
        *(Route(view, _sync(explorer.page)) for view in VIEWS),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guarded)],
        exception_handlers={
            Refused: _told(400),
            RetortError: _told(500),
            HTTPException: _http_error,
        },
    )


def _sync(answer: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """In a thread: reading must not hold up other requests."""

    async def asynchronous(request: Request) -> Response:
        return await anyio.to_thread.run_sync(answer, request)

    return asynchronous


async def _no_such(request: Request) -> Response:
    return JSONResponse({"error": "expected a path of /api, found none of that name"}, 404)


def _told(status: int) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status)

    return answer


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
