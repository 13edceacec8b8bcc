"""LiveCodeBench's hidden tests: JSON, or base64 of zlib of a pickle of one JSON text.

No unpickler is ever run. A pickle of one text needs a few operations, each of which puts the text,
frames it or remembers it; the operations are read one by one as data, and any other one (a global,
a call, a container) is an error. So nothing of a hostile file is looked up, called or built, and
no index in it makes a table grow. What is unpacked is bounded before it is in memory.
"""

from __future__ import annotations

import base64
import binascii
import json
import pickletools
import zlib
from typing import Any, Final

MOST_BYTES: Final = 512 * 1024 * 1024
"""Of one row's tests, unpacked. The files have rows of some ten megabytes packed."""

_TEXT: Final = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_NEUTRAL: Final = frozenset({"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"})


def unpacked(text: str, most_bytes: int = MOST_BYTES) -> Any:
    """The value of the JSON in a cell, packed or not.

    Raises:
        ValueError: The message says what was expected.
    """
    if text.lstrip()[:1] in ("[", "{"):
        return _json(text)
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("tests as JSON or in base64") from error
    return _json(pickled_text(_inflated(packed, most_bytes)))


def pickled_text(data: bytes) -> str:
    """The one text in a pickle.

    Raises:
        ValueError: It holds anything else; the message names the operation.
    """
    found: list[str] = []
    other = ""
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name in _TEXT and isinstance(argument, str):
                found.append(argument)
            elif operation.name not in _NEUTRAL:
                other = operation.name
                break
    except (ValueError, OverflowError) as error:
        raise ValueError(f"a pickle of one text, which can be read ({error!s:.80}),") from error
    if other or len(found) != 1:
        raise ValueError(f"a pickle of one text, not one with {other or f'{len(found)} texts'},")
    return found[0]


def _inflated(packed: bytes, most_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, most_bytes + 1)
    except zlib.error as error:
        raise ValueError("tests packed by zlib") from error
    if len(data) > most_bytes:
        raise ValueError(f"tests of at most {most_bytes:,} bytes unpacked")
    if not stream.eof or stream.unused_data:
        raise ValueError("tests packed by zlib, whole and nothing after them")
    return data


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("tests as JSON") from error
