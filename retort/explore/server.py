"""The explorer's HTTP interface: JSON of the light table, of texts, and of marks; and the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from typing import Any, Final

import anyio.to_thread
from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from factory.errors import RetortError
from retort.explore.answer_headers import BODY_BYTES, Guarded
from retort.explore.asked import Chosen, Refused, asked
from retort.explore.assets_served import PAGE, Assets
from retort.explore.index_folder import Opened
from retort.explore.light_build import FACETS
from retort.explore.light_table import LightTable
from retort.explore.marks import MarkFile
from retort.explore.problem_reading import ProblemReader
from retort.explore.search import NotReady, Search
from schemas.row import Row

VIEWS: Final = ("/", "/problem")
"""Paths that are the page; it reads the address itself."""
_MOST_QUERY: Final = 64 * 1024
_ID_CHARS: Final = 4096
_NOTE_CHARS: Final = 4000
_SHOWN: Final = tuple(name for name in FACETS if name != "grader")


class MarkPost(Row):
    """The body of `POST /api/marks`."""

    candidate_id: str = Field(min_length=1, max_length=_ID_CHARS)
    problem_id: str = Field(default="", max_length=_ID_CHARS)
    note: str = Field(default="", max_length=_NOTE_CHARS)
    marked: bool = True


def app(opened: Opened, marks: MarkFile, search: Search | None = None) -> Starlette:
    """The application; every answer of `/api` is JSON, an error too.

    Args:
        search: None: this application does not search, and says so.
    """
    explorer = _Explorer(opened, marks, search or Search.off())
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


class _Explorer:
    def __init__(self, opened: Opened, marks: MarkFile, search: Search) -> None:
        self._opened, self._marks, self._search = opened, marks, search
        self._table = opened.table
        self._reader = ProblemReader(opened)
        self._assets = Assets()
        self._chosen = Chosen(opened.table, lambda: list(marks.by_id()), search.rows)

    def about(self, request: Request) -> Response:
        head = self._table.head
        return JSONResponse(
            {
                "kind": self._opened.kind,
                "name": self._opened.name,
                "title": self._opened.title,
                "rows": head.rows,
                "problems": head.problems,
                "facets": head.facets,
                "ranges": head.ranges,
                "search": self._search.state().model_dump(mode="json"),
                "marks": self._marks_said(),
            }
        )

    def rows(self, request: Request) -> Response:
        begun = time.perf_counter()
        _check_query(request)
        wanted = asked(request.query_params.multi_items())
        try:
            total, rows = self._chosen.page(wanted)
        except NotReady as error:
            state = self._search.state().model_dump(mode="json")
            return JSONResponse({"error": str(error), "search": state}, 503)
        marked = self._marks.by_id()
        found = [_listed(self._table, int(row), marked) for row in rows]
        took_ms = round(1000 * (time.perf_counter() - begun), 1)
        return JSONResponse({"total": total, "rows": found, "took_ms": took_ms})

    def problem(self, request: Request) -> Response:
        problem_id = _one(request, "id")
        found = self._reader.problem(problem_id)
        if found is None:
            return JSONResponse({"error": f"no problem with the id {problem_id[:200]!r}"}, 404)
        marked = self._marks.by_id()
        candidates = [
            {
                **one,
                "marked": one["candidate_id"] in marked,
                "note": marked[one["candidate_id"]].note if one["candidate_id"] in marked else "",
            }
            for one in found["candidates"]
        ]
        return JSONResponse({**found, "candidates": candidates})

    def text(self, request: Request) -> Response:
        candidate_id = _one(request, "id")
        found = self._reader.text(candidate_id)
        if found is None:
            return JSONResponse({"error": f"no text of a candidate {candidate_id[:200]!r}"}, 404)
        return PlainTextResponse(found)

    def marks(self, request: Request) -> Response:
        return JSONResponse([one.model_dump(mode="json") for one in self._marks.all()])

    async def mark(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > BODY_BYTES:
            raise Refused(f"expected at most {BODY_BYTES:,} bytes")
        try:
            post = MarkPost.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(one) for one in first["loc"]) or "body"
            raise Refused(f"{place}: {first['msg']}") from error
        return await anyio.to_thread.run_sync(self._put, post)

    def _put(self, post: MarkPost) -> Response:
        rows = self._table.rows_of([post.candidate_id])
        if not len(rows):
            if not post.marked and post.candidate_id in self._marks.by_id():
                self._marks.put(post.candidate_id, "", "", marked=False)
                return JSONResponse({"marks": self._marks_said()})
            return JSONResponse({"error": "no candidate with this id"}, 404)
        number = int(self._table.column("problem")[int(rows[0])])
        problem_id: str = self._table.problem(number)["problem_id"]
        self._marks.put(post.candidate_id, problem_id, post.note, marked=post.marked)
        return JSONResponse({"marks": self._marks_said()})

    def asset(self, request: Request) -> Response:
        return self._assets.answer(request.path_params["name"])

    def page(self, request: Request) -> Response:
        return self._assets.answer(PAGE)

    def _marks_said(self) -> dict[str, Any]:
        return {"count": len(self._marks.all()), "file": str(self._marks.path)}


def _listed(table: LightTable, row: int, marked: Container[str]) -> dict[str, Any]:
    problem = table.problem(int(table.column("problem")[row]))
    candidate_id = table.candidate_id(row)
    found = {name: table.value(name, row) for name in _SHOWN}
    number = found.pop("round")
    return {
        "candidate_id": candidate_id,
        "problem_id": problem["problem_id"],
        "index": table.number("index", row),
        **found,
        "round": int(number) if number else None,
        "pass_rate": table.number("pass_rate", row),
        "tokens": table.number("tokens", row),
        "chars": table.number("chars", row),
        "statement": problem["statement"],
        "marked": candidate_id in marked,
    }


# ---------------------------------------------------------------------------------------- requests


def _sync(answer: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """In a thread: reading must not hold up other requests."""

    async def asynchronous(request: Request) -> Response:
        return await anyio.to_thread.run_sync(answer, request)

    return asynchronous


def _check_query(request: Request) -> None:
    if len(request.url.query) > _MOST_QUERY:
        raise Refused(f"expected at most {_MOST_QUERY:,} characters of parameters")


def _one(request: Request, name: str) -> str:
    _check_query(request)
    found = request.query_params.multi_items()
    if len(found) != 1 or found[0][0] != name or not 0 < len(found[0][1]) <= _ID_CHARS:
        raise Refused(f"expected the parameter {name}, once, and no other")
    return found[0][1]


async def _no_such(request: Request) -> Response:
    return JSONResponse({"error": "expected a path of /api, found none of that name"}, 404)


def _told(status: int) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status)

    return answer


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
