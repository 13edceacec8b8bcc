"""The texts of samples as Arrow columns: no Python object per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.arrow import MESSAGES


@dataclass(frozen=True)
class Turns:
    """The messages of some rows, one after the other."""

    offsets: NDArray[np.int64]
    """Row `n` has the turns `offsets[n]` to `offsets[n + 1]`; one more than rows."""
    role: pa.Array
    content: pa.Array

    @property
    def last(self) -> NDArray[np.int64]:
        """Place of the last turn of each row."""
        return self.offsets[1:] - 1


def turns_of(messages: pa.Array | pa.ChunkedArray) -> Turns:
    """A column of `schemas.arrow.MESSAGES`, taken apart; every row has a turn."""
    whole: Any = messages.combine_chunks() if isinstance(messages, pa.ChunkedArray) else messages
    if not len(whole):
        whole = pa.array([], MESSAGES)
    offsets = whole.offsets.to_numpy().astype(np.int64)
    turns = whole.flatten()
    return Turns(offsets - offsets[0], turns.field("role"), turns.field("content"))


def completions_of(messages: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The last turn of each row."""
    turns = turns_of(messages)
    return turns.content.take(pa.array(turns.last))


def join_texts(first: pa.Array | pa.ChunkedArray, second: pa.Array) -> pa.Array:
    """Each first text, a line break, and the second."""
    whole = first.combine_chunks() if isinstance(first, pa.ChunkedArray) else first
    return pc.call_function(
        "binary_join_element_wise", [whole, second, pa.scalar("\n", pa.large_string())]
    )


def lengths(texts: pa.Array, unit: str) -> NDArray[np.int64]:
    """`chars` or `bytes` of each text; 0 of null."""
    name = "utf8_length" if unit == "chars" else "binary_length"
    found = pc.fill_null(pc.call_function(name, [texts]), 0)
    return found.to_numpy(zero_copy_only=False).astype(np.int64)


def row_sizes(table: pa.Table) -> NDArray[np.int64]:
    """Bytes of all texts of each row, those of its turns too; other columns do not count."""
    sizes = np.zeros(table.num_rows, dtype=np.int64)
    for name in table.column_names if table.num_rows else []:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            sizes += lengths(column, "bytes")
        elif pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type):
            turns = turns_of(column)
            sizes += np.add.reduceat(lengths(turns.content, "bytes"), turns.offsets[:-1])
    return sizes
