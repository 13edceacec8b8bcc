"""What the explorer answers: JSON of the light table, of texts, and of marks; and the page."""

from __future__ import annotations

import time
from collections.abc import Container
from typing import Any, Final

import anyio.to_thread
from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from retort.explore.answer_headers import BODY_BYTES
from retort.explore.asked import Refused, asked
from retort.explore.assets_served import PAGE, Assets
from retort.explore.chosen import Chosen
from retort.explore.index_folder import Opened
from retort.explore.light_files import FACETS
from retort.explore.light_table import LightTable
from retort.explore.marks import MarkFile
from retort.explore.problem_reading import ProblemReader
from retort.explore.search import NotReady, Search
from schemas.row import Row

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


class Explorer:
    """Answers each request; all but `mark` block, and are run in a thread."""

    def __init__(self, opened: Opened, marks: MarkFile, search: Search) -> None:
        self._opened, self._marks, self._search = opened, marks, search
        self._table = opened.table
        self._reader = ProblemReader(opened)
        self._assets = Assets()
        self._chosen = Chosen(opened.table, lambda: list(marks.by_id()), search.rows)

    def about(self, request: Request) -> Response:
        """What is opened, how much of it there is, and by what it can be filtered."""
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
        """One page of the list."""
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
        """A problem with its candidates and their marks."""
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
        """The whole text of a candidate."""
        candidate_id = _one(request, "id")
        found = self._reader.text(candidate_id)
        if found is None:
            return JSONResponse({"error": f"no text of a candidate {candidate_id[:200]!r}"}, 404)
        return PlainTextResponse(found)

    def marks(self, request: Request) -> Response:
        """All marks."""
        return JSONResponse([one.model_dump(mode="json") for one in self._marks.all()])

    async def mark(self, request: Request) -> Response:
        """Set, change or take away a mark."""
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
        """A file that the page asks for."""
        return self._assets.answer(request.path_params["name"])

    def page(self, request: Request) -> Response:
        """The page itself."""
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


def _check_query(request: Request) -> None:
    if len(request.url.query) > _MOST_QUERY:
        raise Refused(f"expected at most {_MOST_QUERY:,} characters of parameters")


def _one(request: Request, name: str) -> str:
    _check_query(request)
    found = request.query_params.multi_items()
    if len(found) != 1 or found[0][0] != name or not 0 < len(found[0][1]) <= _ID_CHARS:
        raise Refused(f"expected the parameter {name}, once, and no other")
    return found[0][1]
