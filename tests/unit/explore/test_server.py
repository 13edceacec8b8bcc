"""The server's doors: who may ask, what every answer carries, and which files there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from retort.explore.answer_headers import BODY_BYTES, HEADERS
from retort.explore.assets_served import Assets
from tests.unit.explore.opened_runs import POST, client, made_rows, opened, write_data

PATHS = ["/", "/problem?id=x", "/api/about", "/api/rows", "/api/rows?limit=x", "/api/nothing"]
PATHS += ["/assets/nothing.js", "/api/text?id=nobody", "/api/marks"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("explore")
    machine = write_data(root / "set", made_rows(9))
    with client(opened(str(root / "set"), root, machine), root / "marks.jsonl") as one:
        yield one


def body(**fields: Any) -> str:
    return json.dumps({"candidate_id": made_rows(9)[0]["uuid"], **fields})


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(page: TestClient, path: str) -> None:
    for host in ("127.0.0.1:8000", "evil.example"):
        answer = page.get(path, headers={"Host": host})
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "host",
    *[["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"]],
)
def test_a_request_under_another_name_is_refused(page: TestClient, host: str) -> None:
    assert page.get("/api/about", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "[::1]:9", "LOCALHOST"])
def test_a_request_under_a_name_of_loopback_is_answered(page: TestClient, host: str) -> None:
    assert page.get("/api/about", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 403),
        ({"X-Retort": "1", "Content-Type": "text/plain"}, 415),
        ({**POST, "Origin": "http://evil.example"}, 403),
        ({**POST, "Origin": "null"}, 403),
        ({**POST, "Origin": "http://127.0.0.1:1"}, 403),
        ({**POST, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**POST, "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_only_this_page_may_mark(page: TestClient, headers: dict[str, str], status: int) -> None:
    before = page.get("/api/marks").json()
    answer = page.post("/api/marks", content=body(note=str(status)), headers=headers)
    assert answer.status_code == status
    assert (page.get("/api/marks").json() == before) == (status != 200)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("", 400),
        ("[]", 400),
        ("{", 400),
        ('{"candidate_id": ""}', 400),
        ('{"candidate_id": 5}', 400),
        ('{"candidate_id": "00000", "other": 1}', 400),
        (json.dumps({"candidate_id": "x" * 5000}), 400),
        (body(note="n" * 4001), 400),
        (json.dumps({"candidate_id": "nobody"}), 404),
        (" " * (BODY_BYTES + 1), 413),
        ('{"candidate_id": "\\ud800"}', 400),
    ],
)
def test_a_mark_that_is_none_is_refused(page: TestClient, content: str, status: int) -> None:
    answer = page.post("/api/marks", content=content, headers=POST)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_body_without_a_length_is_refused(page: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"{}"

    assert page.post("/api/marks", content=pieces(), headers=POST).status_code == 411


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_do_nothing(page: TestClient, method: str) -> None:
    answer = page.request(method, "/api/rows", content="{}", headers=POST)
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "name",
    [
        *("%2e%2e/server.py", "..%2fserver.py", "/etc/passwd", "%2fetc%2fpasswd", "..\\server.py"),
        *("index.html%00.js", "", "vendor", "vendor/%2e%2e/%2e%2e/server.py"),
    ],
)
def test_no_path_leads_out_of_the_assets(page: TestClient, name: str) -> None:
    assert page.get(f"/assets/{name}").status_code == 404
    assert Assets().answer(unquote(name)).status_code == 404
    assert Assets().answer(f"../{name}").status_code == 404


def test_assets_have_their_types_and_links_and_other_files_are_not_served(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret.js").write_text("1")
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "page.js").write_text("1")
    (folder / "notes.py").write_text("1")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    served = Assets(folder)
    assert served.answer("index.html").headers["content-type"] == "text/html; charset=utf-8"
    assert served.answer("page.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert [served.answer(one).status_code for one in ("notes.py", "link.js")] == [404, 404]


@pytest.mark.parametrize("path", ["/api/problem", "/api/text"])
@pytest.mark.parametrize("query", ["", "?id=", "?id=a&id=b", "?other=1", "?id=" + "x" * 5000])
def test_an_id_must_be_given_once(page: TestClient, path: str, query: str) -> None:
    assert page.get(path + query).status_code == 400


@pytest.mark.parametrize("path", ["/api/problem", "/api/text"])
def test_an_id_that_is_not_there_is_said(page: TestClient, path: str) -> None:
    answer = page.get(path, params={"id": "<script>alert(1)</script>"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/problems", "/api", "/problem/x", "//", "/index.html"])
def test_a_path_that_is_none_of_the_page_is_not_there(page: TestClient, path: str) -> None:
    answer = page.get(f"http://127.0.0.1{path}")
    assert answer.status_code == 404
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_link_of_the_page_gives_the_page(page: TestClient) -> None:
    assert page.get("/problem?id=p1").text == page.get("/").text
    assert page.get("/").headers["content-type"] == "text/html; charset=utf-8"
