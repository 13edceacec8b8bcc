"""What every request must have and every answer carries: the page is for this machine alone.

A request whose `Host` is not a name of loopback is refused, so that a site in the same browser
cannot reach the page under a name of its own (DNS rebinding). What changes something needs the
header `X-Retort`, which a form cannot send, and an `Origin` of this page where one is given. The
policy of content lets nothing run or load that is not from here. Not covered: other users and
programs of this machine, who can ask like any browser.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "style-src-attr 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
BODY_BYTES: Final = 64 * 1024
"""Of a request."""


class Guarded:
    """The application behind these checks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = _refusal(scope)
        if refusal is not None:
            status, why = refusal
            await JSONResponse({"error": why}, status)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def _refusal(scope: Scope) -> tuple[int, str] | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if _name(f"//{host}") not in _LOOPBACK:
        return 421, "expected a Host of this machine (127.0.0.1 or localhost)"
    if scope["method"] in ("GET", "HEAD"):
        return None
    if headers.get("x-retort") != "1":
        return 403, "expected the header X-Retort: 1"
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return 403, "expected a request of this page"
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return 403, "expected a request of this page"
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415, "expected Content-Type: application/json"
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal() and len(length) < 12):
        return 411, "expected a Content-Length"
    if int(length) > BODY_BYTES:
        return 413, f"expected at most {BODY_BYTES:,} bytes"
    return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
