"""The bytes of Arrow texts as numpy arrays, without copies and without Python strings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Buffers = tuple[NDArray[np.uint8], NDArray[np.int64]]


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> Iterator[Buffers]:
    """`(data, offsets)` of each chunk: text `n` of it is `data[offsets[n]:offsets[n + 1]]`, UTF-8.

    Args:
        texts: Strings of any of Arrow's kinds (also dictionaries); a null is an empty text.
    """
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    for chunk in chunks:
        if chunk.type not in (pa.string(), pa.large_string()):
            chunk = chunk.cast(pa.large_string())
        if chunk.null_count:
            chunk = pc.fill_null(chunk, "")
        _, offsets, data = chunk.buffers()
        width = np.int32 if chunk.type == pa.string() else np.int64
        if offsets is None or not len(chunk):
            yield np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
            continue
        ends = np.frombuffer(offsets, dtype=width)[chunk.offset : chunk.offset + len(chunk) + 1]
        content = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, np.uint8)
        yield content, ends.astype(np.int64)
