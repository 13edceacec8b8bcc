"""The keys of all bands of many rows, in a file that is mapped into memory, band by band.

MinHash has some thirty keys of eight bytes for each row, of which one band is looked at at a time:
so memory holds one band, whatever their number.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from factory.errors import StorageFull

_KEY_BYTES: Final = 8


def mapped_bands(scratch: Path, rows: int, bands: int) -> NDArray[np.uint64]:
    """An array of zeros, rows × bands, whose bands are contiguous; its file has no name and goes
    with the array.

    Raises:
        StorageFull: The disk has no room for it.
    """
    if not rows * bands:
        return np.zeros((rows, bands), dtype=np.uint64)
    size_bytes = rows * bands * _KEY_BYTES
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=scratch) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
        except OSError as error:
            raise StorageFull(
                f"{scratch}: no room for the keys of {rows} rows, {size_bytes} bytes ({error}); "
                f"free some space and run again"
            ) from error
        return np.memmap(file, dtype=np.uint64, mode="r+", shape=(rows, bands), order="F")


def let_go(bands: NDArray[np.uint64]) -> None:
    """Do without what was read or written of mapped bands; it is read again when it is needed."""
    if isinstance(bands, np.memmap):
        cast("Any", bands)._mmap.madvise(mmap.MADV_DONTNEED)
