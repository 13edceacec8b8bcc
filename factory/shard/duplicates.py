"""Exact duplicates: samples whose normalised conversations are equal.

Normalised means Unicode NFC with every run of white space as one space, ends trimmed. Case and
punctuation stay: they can matter in mathematics and in code. A conversation is all its turns: the
same short answer to two questions is no duplicate. Covered: conversations that are equal after
this. Not covered here: near duplicates (`factory.shard.clusters`), and equal answers in other
words.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Final

_DIGEST_HEX: Final = 32


def conversation_digest(turns: Iterable[str]) -> str:
    """Digest of normalised turns, 32 hexadecimal digits; equal for exact duplicates."""
    digest = hashlib.sha256()
    for text in turns:
        normalised = " ".join(unicodedata.normalize("NFC", text).split())
        digest.update(normalised.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:_DIGEST_HEX]
