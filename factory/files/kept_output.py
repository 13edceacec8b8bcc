"""What dedupe and decontaminate write alike: the rows that stay, and those that were wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.files.dedupe_rows import BadRow
from factory.files.table_columns import fitted
from factory.shown.progress import progress

KEPT: Final = "kept.parquet"
BAD_ROWS: Final = "bad_rows.jsonl"
_GROUP_BYTES: Final = 64 << 20


def write_kept(
    file: Path,
    schema: pa.Schema,
    batches: Iterable[tuple[int, pa.Table | None]],
    *,
    rows: int,
    repeated: Sequence[str] | None = None,
) -> None:
    """Write the rows that stay, in groups of about 64 MiB.

    Args:
        batches: Rows of the input that each stands for, and what stays of them; None: nothing.
        rows: Of the whole input, for the progress.
        repeated: Columns of which a dictionary is made; None: all.
    """
    dictionary: Any = True if repeated is None else repeated
    with (
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=dictionary) as writer,
        progress("write", rows, "rows") as bar,
    ):
        waiting: list[pa.Table] = []
        for read, table in batches:
            if table is not None:
                waiting.append(fitted(table, schema))
            if sum(one.nbytes for one in waiting) >= _GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
            bar.update(read)
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def write_bad_rows(file: Path, bad: Sequence[BadRow]) -> None:
    """Write a line for each row, or run of rows, that was left out: file, row and what is wrong."""
    with open(file, "w", encoding="utf-8") as lines:
        for one in bad:
            line = {"file": str(one.file), "row": one.row, "what": one.what}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
