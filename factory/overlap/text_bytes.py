"""The bytes of an Arrow array of texts as numpy arrays, without copies or Python strings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def text_bytes(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """`(data, offsets)`: text `n` is `data[offsets[n]:offsets[n + 1]]`, in UTF-8; read-only.

    Args:
        texts: Of any of Arrow's kinds of text, also dictionaries; a null is an empty text.
    """
    if texts.type not in (pa.string(), pa.large_string()):
        texts = texts.cast(pa.large_string())
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    _, offsets, data = texts.buffers()
    found = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    found = found.view()
    found.flags.writeable = False
    if not len(texts) or offsets is None:
        return found, np.zeros(len(texts) + 1, dtype=np.int64)
    width = np.int32 if texts.type == pa.string() else np.int64
    ends = np.frombuffer(offsets, dtype=width)[texts.offset : texts.offset + len(texts) + 1]
    return found, ends.astype(np.int64)
