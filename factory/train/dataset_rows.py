"""The Parquet files of a dataset, read a few rows at a time: a published one, or anybody's own.

Needed are the columns `uuid` and `messages` (lists of role and content); of a published dataset
`problem_id` is read too. Everything that is wrong with a file is said with its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import TrainError

UUID: Final = "uuid"
MESSAGES: Final = "messages"
_NEEDED: Final = [UUID, MESSAGES]
_PROBLEM: Final = "problem_id"
_NAMES_AT_A_TIME: Final = 4096


def dataset_files(dataset: Path) -> list[Path]:
    """The Parquet files of a published dataset, in order.

    Raises:
        TrainError: There is none.
    """
    files = sorted((dataset / "data").glob("*.parquet"))
    if not files:
        raise TrainError(
            f"dataset {dataset}: expected Parquet files in its folder `data`, found none; "
            f"is it a published dataset?"
        )
    return files


def file_size(file: Path) -> tuple[int, int]:
    """Rows and bytes (not compressed) of a file that has the columns; its footer alone is read.

    Raises:
        TrainError: It is no Parquet file, or lacks a column, or has messages of another form.
    """
    try:
        opened = pq.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(file, error) from error
    with opened:
        schema: pa.Schema = opened.schema_arrow
        if missing := set(_NEEDED) - set(schema.names):
            raise TrainError(
                f"dataset file {file}: expected the columns {_NEEDED}, found no "
                f"{sorted(missing)}; is it a published dataset?"
            )
        turns: Any = schema.field(MESSAGES).type
        turn: Any = getattr(turns, "value_type", None)
        if not _has_texts(turn):
            raise TrainError(
                f"dataset file {file}: expected messages that are lists of role and content, "
                f"both of them text, found {turns}; write them in this form"
            )
        about: Any = opened.metadata
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        return about.num_rows, sum(group.total_byte_size for group in groups)


def _has_texts(turn: Any) -> bool:
    """Whether this is the type of a message: role and content, and both of them text."""
    if turn is None or not pa.types.is_struct(turn):
        return False
    types: dict[str, Any] = {one.name: one.type for one in turn}
    return all(
        name in types and (pa.types.is_string(types[name]) or pa.types.is_large_string(types[name]))
        for name in ("role", "content")
    )


def problem_column(file: Path) -> str:
    """The column that names a row's problem: its uuid where the file has no problems."""
    return _PROBLEM if _PROBLEM in pq.read_schema(file).names else UUID


def problem_of(name: Any, uuid: Any) -> str:
    """The name of a row's problem: its uuid where the column has nothing for it."""
    return str(uuid if name is None else name)


def problem_names(files: Sequence[Path]) -> Iterator[pa.Array]:
    """The names of the problems of all rows, in pieces; a row without one has its uuid's."""
    for file in files:
        name = problem_column(file)
        for batch in row_batches(file, sorted({name, UUID}), _NAMES_AT_A_TIME):
            both = zip(batch.column(name).to_pylist(), batch.column(UUID).to_pylist(), strict=True)
            yield pa.array([problem_of(one, uuid) for one, uuid in both], pa.string())


def row_batches(file: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Some columns of a file, at most so many rows at a time.

    Raises:
        TrainError: It cannot be read.
    """
    try:
        with pq.ParquetFile(file) as opened:
            batches = opened.iter_batches(batch_size=rows, columns=list(columns))
            while (batch := next(batches, None)) is not None:
                yield batch
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> TrainError:
    return TrainError(
        f"dataset file {file}: cannot be read ({error}); build or download the dataset again"
    )
