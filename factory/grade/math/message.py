"""Messages between a grader and its workers: JSON, one to a packet."""

from __future__ import annotations

import json
from typing import Any, Final

MAX_MESSAGE_BYTES: Final = 1 << 17
"""Two texts of `normalise.MAX_CHARS` characters, whatever they are."""


def pack(message: dict[str, Any]) -> bytes:
    """The bytes of a message; any text goes, lone surrogates too."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")


def unpack(message: bytes) -> dict[str, Any]:
    """The message in these bytes."""
    return json.loads(message.decode("utf-8", "surrogatepass"))
