"""Rows of Parquet files by their numbers; only the row groups that hold them are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import ManifestMismatch

_BATCH_ROWS: Final = 256


def rows_at(
    path: Path, numbers: Sequence[int], columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """The rows of these numbers, counted from 0, in the order given.

    Args:
        columns: Those that the file lacks are left out of the rows; None: all.

    Raises:
        ManifestMismatch: The file cannot be read, or is shorter than it was.
    """
    found: dict[int, dict[str, Any]] = {}
    wanted = sorted(set(numbers))
    try:
        with pq.ParquetFile(path) as file:
            names = [n for n in file.schema_arrow.names if columns is None or n in columns]
            first = 0
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                here = [n for n in wanted if first <= n < first + rows]
                if here:
                    found |= _of_group(file, group, names, first, here)
                first += rows
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise ManifestMismatch(
            f"{path}: cannot be read ({error}); it changed since it was opened: start the explorer "
            f"again"
        ) from error
    if len(found) < len(wanted):
        raise ManifestMismatch(
            f"{path}: expected row {wanted[-1]}, found a shorter file; it changed since it was "
            f"opened: start the explorer again"
        )
    return [found[number] for number in numbers]


def _of_group(
    file: pq.ParquetFile, group: int, names: list[str], first: int, wanted: list[int]
) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], columns=names):
        for number in wanted:
            if first <= number < first + batch.num_rows:
                found[number] = batch.slice(number - first, 1).to_pylist()[0]
        first += batch.num_rows
        if first > wanted[-1]:
            break
    return found
