"""One exchange with a server over HTTP, and whether a server can be reached at all.

A broken exchange is an answer here too, told apart by what it means: no connection, a connection
that broke off, or a time that ran out.
"""

from __future__ import annotations

import asyncio
import io
import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import aiohttp
from yarl import URL

from factory.generate.refusals import DETAIL_CHARS, Kind, NoAnswer

_CONNECT_TIMEOUT_S: Final = 10.0
_KEEPALIVE_S: Final = 4.0
"""vLLM's server closes an idle connection after 5 s; to let go before it does avoids the race."""
_BODY_BYTES: Final = 256 * 1024 * 1024
"""Eight answers of 32,768 tokens with their token ids are 3 MiB."""
_AT_ONCE_BYTES: Final = 1024 * 1024
"""A larger body is sent piece by piece, so that the other requests go on."""
_SECRET_BYTES: Final = 8
_HEADERS: Final = {"Content-Type": "application/json"}
_TCP_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)
"""A long answer sends nothing for minutes; a machine that is gone is noticed in two."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a server sent back."""

    status: int
    body: bytes
    retry_after: str | None


def client_session(key: str | None, timeout_s: float) -> aiohttp.ClientSession:
    """A session for requests of at most so long; connections have no limit of their own, since
    requests in flight are counted elsewhere."""
    return aiohttp.ClientSession(
        headers={**_HEADERS, **({"Authorization": f"Bearer {key}"} if key else {})},
        timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S),
        connector=aiohttp.TCPConnector(
            limit=0, keepalive_timeout=_KEEPALIVE_S, socket_factory=_lasting_socket
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def post(session: aiohttp.ClientSession, url: URL, content: bytes) -> Exchange | NoAnswer:
    """What the server sends back, or `AWAY`, `BROKEN` or `BAD` where it is no whole answer.

    Redirects are not followed: a POST would become a GET, and a key would go elsewhere.
    """
    data = content if len(content) <= _AT_ONCE_BYTES else io.BytesIO(content)
    try:
        async with session.post(url, data=data, allow_redirects=False) as response:
            body = await _body(response)
            if body is None:
                return NoAnswer(Kind.BAD, f"an answer of more than {_BODY_BYTES} bytes")
            return Exchange(response.status, body, response.headers.get("Retry-After"))
    except aiohttp.ClientSSLError as error:
        return NoAnswer(Kind.REFUSED, _said(error), "mend its certificate or the address")
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        return NoAnswer(Kind.AWAY, _said(error))
    except (
        aiohttp.ServerDisconnectedError,
        aiohttp.ClientOSError,
        aiohttp.ClientPayloadError,
        OSError,
    ) as error:
        kind = Kind.BAD if isinstance(error, TimeoutError) else Kind.BROKEN
        return NoAnswer(kind, _said(error))
    except aiohttp.ClientError as error:
        return NoAnswer(Kind.BAD, _said(error))


async def reachable(url: str) -> bool:
    """Whether something listens at the address of this URL."""
    address = URL(url)
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(address.host, address.port), _CONNECT_TIMEOUT_S
        )
    except OSError:
        return False
    writer.close()
    return True


@lru_cache(maxsize=1024)
def shown(url: str) -> str:
    """The address without what may be a user's name and password."""
    return str(URL(url).with_user(None))


@lru_cache(maxsize=1024)
def target(url: str, path: str, *, has_key: bool) -> URL:
    """Where a request goes; a user and password in the address are left out where a key is sent."""
    return URL((shown(url) if has_key else url) + path)


def without_secrets(body: bytes, url: str, key: str | None) -> bytes:
    """What a server said of an error, with `***` for a key or password that it repeats. Those of
    less than eight characters are no secrets, and may be any part of its words."""
    secrets = [key or ""]
    if not key and (address := URL(url)).user:
        password = address.password or ""
        secrets = [password, aiohttp.encode_basic_auth(address.user or "", password)]
    for secret in (one.removeprefix("Basic ").encode() for one in secrets):
        if len(secret) >= _SECRET_BYTES:
            body = body.replace(secret, b"***")
    return body


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body; None where it is too long to be an answer."""
    if response.content_length is not None:
        return await response.read() if response.content_length <= _BODY_BYTES else None
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _BODY_BYTES:
            return None
    return bytes(body)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:DETAIL_CHARS]


def _lasting_socket(address: Any) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    for level, option, value in _TCP_KEEPALIVE:
        made.setsockopt(level, option, value)
    return made
