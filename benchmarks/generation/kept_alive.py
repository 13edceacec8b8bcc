"""The server's side of one kept-alive HTTP connection, as cheap as it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
"""To questions about versions and models."""


class KeptAlive(asyncio.Protocol):
    """Answers each POST in turn; requests may be pipelined.

    Args:
        answer: From the body of a request to the whole response.
    """

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(HEAD_END)) >= 0:
            head = bytes(self._received[:end]).lower()
            asks = head.startswith(b"post")
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0]) if asks else 0
            begin = end + len(HEAD_END)
            if len(self._received) < begin + length:
                return
            body = bytes(self._received[begin : begin + length])
            del self._received[: begin + length]
            self._transport.write(self._answer(body) if asks else _NOT_FOUND)
