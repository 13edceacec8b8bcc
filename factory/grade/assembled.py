"""Parts of verdicts that are put together from spans, in whatever order these are graded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.parts import write_part
from schemas.manifest import PartFile


@dataclass
class _Begun:
    missing: int
    rows: list[NDArray[np.int64]] = field(default_factory=list[NDArray[np.int64]])
    tables: list[pa.Table] = field(default_factory=list[pa.Table])


class AssembledParts:
    """Each part is written when its last row is there; what is kept in memory is what is not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun: dict[str, _Begun] = {}

    def put(
        self, name: str, of: int, rows: NDArray[np.int64], table: pa.Table, *, made_from: str
    ) -> PartFile | None:
        """Take some rows of a part in; the part, where these were the last.

        Args:
            of: Rows of the whole part.
            rows: The places of the table's rows in it.
        """
        part = self._begun.setdefault(name, _Begun(of))
        part.rows.append(rows)
        part.tables.append(table)
        part.missing -= len(rows)
        if part.missing:
            return None
        del self._begun[name]
        order = np.argsort(np.concatenate(part.rows), kind="stable")
        whole = pa.concat_tables(part.tables).take(pa.array(order)).combine_chunks()
        return write_part(self._folder, name, whole, made_from=made_from)
