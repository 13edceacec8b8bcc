"""Length-prefixed JSON over a file descriptor: what the processes of one run speak."""

from __future__ import annotations

import importlib
import os
import struct

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from typing import Any

MESSAGE_BYTES = 8 * 1024 * 1024
"""Longest message; a longer one ends the conversation."""

_LENGTH = struct.Struct(">I")


class _Syntax:
    """What the scanner of `json` is told: plain JSON, with NaN and infinities."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner empties it itself


# The functions in C below `json.loads` and `json.dumps`: the Python around them costs more than
# they do, and what is imported or called is memory that each run copies.
_json: Any = importlib.import_module("_json")
_scan: Any = _json.make_scanner(_Syntax)
_chunks: Any = _json.make_encoder(
    None, None, _json.encode_basestring_ascii, None, ":", ",", False, False, True
)


def loads(data: bytes | bytearray) -> Any:
    """The value of a JSON text. Raises `ValueError`, or `RecursionError` where it is too deep."""
    text = str(data, "utf-8")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("no JSON") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def dumps(value: Any) -> bytes:
    """A value of exact built-in types as JSON text, without spaces."""
    return "".join(_chunks(value, 0)).encode()


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
    data = dumps(message)
    if len(data) > MESSAGE_BYTES:
        raise Ended(f"a message of {len(data)} bytes is longer than {MESSAGE_BYTES}")
    write_all(fd, _LENGTH.pack(len(data)) + data)


def receive(fd: int) -> Any:
    """The next message of a conversation in which each side waits for the other's.

    Raises `Ended` at the end, or where it is too long or no JSON.
    """
    data = os.read(fd, 1 << 16)
    if len(data) < 4:
        raise Ended("the other side closed the channel")
    (size,) = _LENGTH.unpack_from(data)
    if size > MESSAGE_BYTES:
        raise Ended(f"a message of {size} bytes is longer than {MESSAGE_BYTES}")
    if len(data) < 4 + size:
        data += read_exactly(fd, 4 + size - len(data))
    try:
        return loads(data[4 : 4 + size])
    except (ValueError, RecursionError) as error:
        raise Ended("the message is no JSON") from error
