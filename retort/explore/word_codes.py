"""Words as small numbers: the codes of a column with few different values."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


class WordCodes:
    """Strings -> small numbers, in the order in which they come."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def of(self, column: pl.Series) -> NDArray[np.int32]:
        """The code of each value; a null is the empty word."""
        column = column.cast(pl.String).fill_null("")
        for value in column.unique(maintain_order=True).to_list():
            self.known.setdefault(value, len(self.known))
        codes = column.replace_strict(self.known, return_dtype=pl.Int32)
        return codes.to_numpy().astype(np.int32)
