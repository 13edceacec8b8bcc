"""Sets of hashes on disk: written once, then read as one array that is mapped into memory."""

from __future__ import annotations

import mmap
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.errors import StorageFull

Sets = tuple[NDArray[np.uint64], NDArray[np.int64]]
"""Hashes of all rows, and where the set of each row begins (and the last one ends)."""


class MappedSets:
    """Sets in a file that is mapped into memory; set `n` is `hashes[offsets[n]:offsets[n + 1]]`."""

    def __init__(self, memory: mmap.mmap, offsets: NDArray[np.int64]) -> None:
        self.offsets = offsets
        self.hashes: NDArray[np.uint64] = np.frombuffer(memory, dtype=np.uint64)
        self._memory = memory

    def let_go(self) -> None:
        """Do without the pages that were read; they are read again when they are needed."""
        self._memory.madvise(mmap.MADV_DONTNEED)


class Spill:
    """Arrays of uint64, one after the other in a file that has no name and goes with us."""

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._folder = scratch
        self._file = TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by `spill`
        self._sizes: list[NDArray[np.int64]] = []

    def write(self, hashes: NDArray[np.uint64], sizes: NDArray[np.int64]) -> None:
        """Append the sets of some rows."""
        try:
            hashes.tofile(self._file)
        except OSError as error:
            raise StorageFull(
                f"{self._folder}: no room for the runs of words of the candidates ({error}); free "
                f"some space and run again"
            ) from error
        self._sizes.append(sizes)

    def mapped(self) -> MappedSets:
        """All sets that were written; at least one, and none is empty."""
        self._file.flush()
        offsets = offsets_of(self._sizes)
        return MappedSets(mmap.mmap(self._file.fileno(), int(offsets[-1]) * 8), offsets)

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


@contextmanager
def spill(scratch: Path) -> Generator[Spill]:
    """A spill that is gone at the end, also after a failure and after `kill -9`."""
    made = Spill(scratch)
    try:
        yield made
    finally:
        made.close()


def shingles_of(texts: pa.Array | pa.ChunkedArray, words: int) -> Sets:
    """The sets of hashes of the texts' runs of `words` words, each sorted."""
    from factory.overlap.runs import hash_runs
    from factory.overlap.shingles import make_sets

    hashes: list[NDArray[np.uint64]] = [np.zeros(0, dtype=np.uint64)]
    sizes: list[NDArray[np.int64]] = []
    for runs, ends in hash_runs(texts, words):
        make_sets(runs, ends)
        hashes.append(runs[: ends[-1]].copy())
        sizes.append(np.diff(ends, prepend=0))
    return np.concatenate(hashes), offsets_of(sizes)


def offsets_of(sizes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where each begins, and where the last one ends."""
    flat = np.concatenate([np.zeros(1, dtype=np.int64), *sizes])
    return np.cumsum(flat, dtype=np.int64)
