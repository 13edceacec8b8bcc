"""The hashes of the runs of words of Arrow texts, piece by piece, without Python strings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factory.overlap.letters import letters
from factory.overlap.text_bytes import text_bytes
from factory.overlap.words import bit_numbers, hash_texts

Runs = tuple[NDArray[np.uint64], NDArray[np.int64]]
"""Hashes of the runs of some texts, in order, and where those of each text end."""

_PIECE_BYTES: Final = 1 << 21
"""What a piece needs stays near the processor."""


def hash_runs(texts: pa.Array | pa.ChunkedArray, words: int) -> Iterator[Runs]:
    """The runs of all texts in their order, piece by piece; nothing refers to the texts after it.

    Args:
        texts: Strings of any of Arrow's kinds, also dictionaries; a null is an empty text.
    """
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        yield from _chunk_runs(chunk, words)


def _chunk_runs(chunk: pa.Array, words: int) -> Iterator[Runs]:
    data, offsets = text_bytes(chunk)
    first = 0
    while first < len(chunk):
        last = int(np.searchsorted(offsets, offsets[first] + _PIECE_BYTES, side="right")) - 1
        last = min(max(last, first + 1), len(chunk))
        some = offsets[first : last + 1]
        count = last - first
        runs = np.empty(int(some[-1] - some[0]) // 2 + count, dtype=np.uint64)
        ends = np.empty(count, dtype=np.int64)
        loose = np.empty(count, dtype=np.bool_)
        hash_texts(data, some, letters(), bit_numbers(), words, runs, ends, loose)
        if loose.any() and (changed := _normalised(chunk.slice(first, count), loose)) is not None:
            yield from _chunk_runs(changed, words)
        else:
            yield runs[: ends[-1]], ends
        first = last


def _normalised(texts: pa.Array, loose: NDArray[np.bool_]) -> pa.Array | None:
    """The texts in Unicode's form NFC; None where they are already."""
    changed = {
        row: unicodedata.normalize("NFC", text)
        for row in np.flatnonzero(loose).tolist()
        if not unicodedata.is_normalized("NFC", text := texts[row].as_py())
    }
    if not changed:
        return None
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[list(changed)] = True
    texts = texts.cast(pa.large_string())
    replacements = pa.array(list(changed.values()), texts.type)
    return pc.call_function("replace_with_mask", [texts, pa.array(mask), replacements])
