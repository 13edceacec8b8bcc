"""The bytes of Arrow texts, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.overlap.text_bytes import text_bytes


def text_buffers(
    texts: pa.Array | pa.ChunkedArray,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """`(data, offsets)` of each chunk, as `text_bytes` gives them."""
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        yield text_bytes(chunk)
