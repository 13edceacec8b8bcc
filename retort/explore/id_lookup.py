"""Ids -> their positions, without a table of strings: by the sorted hashes of 64 bits."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from factory.errors import ManifestMismatch

_SEEDS = 8


class IdLookup:
    """Finds the positions of ids. 16 bytes each. An id that is none of them is taken for one with
    a chance of 1 in 10^13 at a million ids; those that are there never go wrong."""

    def __init__(self, ids: pl.Series, what: str) -> None:
        """Take in ids, each of which must be there once.

        Raises:
            ManifestMismatch: One is there twice.
        """
        for seed in range(_SEEDS):
            hashes = ids.hash(seed).to_numpy()
            self._seed, self._order = seed, np.argsort(hashes, kind="stable")
            self._sorted = hashes[self._order]
            if not bool((self._sorted[1:] == self._sorted[:-1]).any()):
                return
            if twice := ids.filter(ids.is_duplicated()).head(1).to_list():
                raise ManifestMismatch(
                    f"{what} {twice[0]}: expected it once, found it in several rows; make the "
                    f"data again"
                )
        raise AssertionError("eight hashes of 64 bits do not all collide")

    def find(self, ids: pl.Series) -> NDArray[np.int64]:
        """The position of each id, -1 where it is none of them."""
        if not len(self._sorted):
            return np.full(len(ids), -1, np.int64)
        hashes = ids.hash(self._seed).to_numpy()
        at = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
        return np.where(self._sorted[at] == hashes, self._order[at], -1)
