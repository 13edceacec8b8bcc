"""What software serves an endpoint, as it says itself, stands with each candidate."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from factory.generate.endpoint_version import engines
from schemas.machine import Endpoints
from tests.unit.generate.loopback_server import LoopbackServer


@contextmanager
def says(status: int, body: bytes) -> Generator[str]:
    """A server that answers `/version`, and 404 elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/version" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def of(*urls: str) -> list[str]:
    return list(engines(Endpoints(base_urls=list(urls))).values())


def test_a_server_that_tells_its_version_is_known_by_it() -> None:
    with says(200, b'{"version": "0.32.0"}') as url:
        assert of(url) == ["openai 0.32.0"]
        assert of(url.replace("http://", "http://me:hidden@")) == ["openai 0.32.0"]


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"[1]"), (200, b'{"version": 3}'), (404, b"{}"), (307, b"{}")],
)
def test_one_that_tells_nothing_is_not_guessed_at(status: int, body: bytes) -> None:
    with says(status, body) as url:
        assert of(url) == ["openai"]


def test_one_that_is_away_and_one_without_the_page_cost_nothing() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    with LoopbackServer() as server:
        assert of(away, server.base_url) == ["openai", "openai"]
