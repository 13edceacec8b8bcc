"""Length-prefixed JSON over a file descriptor: what the processes of one run speak."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

MESSAGE_BYTES = 8 * 1024 * 1024
"""Longest message; a longer one ends the conversation."""

_LENGTH = struct.Struct(">I")


class Ended(EOFError):  # noqa: N818 - not always a fault
    """The other side is gone, or what it sends is no message."""


def read_exactly(fd: int, size: int) -> bytearray:
    """`size` bytes. Raises `Ended` where there are fewer."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = os.readv(fd, [view])
        if not count:
            raise Ended("the other side closed the channel")
        view = view[count:]
    return data


def write_all(fd: int, *chunks: bytes | bytearray | memoryview) -> None:
    """Write every byte of the chunks. Raises `Ended` where nobody reads any more."""
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BrokenPipeError as error:
                raise Ended("the other side closed the channel") from error


def send(fd: int, message: Any) -> None:
    """Send one message. Raises `Ended` where it is too long or nobody reads."""
    data = json.dumps(message, separators=(",", ":")).encode()
    if len(data) > MESSAGE_BYTES:
        raise Ended(f"a message of {len(data)} bytes is longer than {MESSAGE_BYTES}")
    write_all(fd, _LENGTH.pack(len(data)) + data)


def receive(fd: int) -> Any:
    """The next message. Raises `Ended` at the end, or where it is too long or no JSON."""
    (size,) = _LENGTH.unpack(read_exactly(fd, 4))
    if size > MESSAGE_BYTES:
        raise Ended(f"a message of {size} bytes is longer than {MESSAGE_BYTES}")
    try:
        return json.loads(read_exactly(fd, size))
    except (ValueError, RecursionError) as error:
        raise Ended("the message is no JSON") from error
