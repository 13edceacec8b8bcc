"""Tables of Parquet files, with the rows that are wrong told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factory.files.table_columns import is_id, is_text, without_views
from factory.files.table_files import Batch, Piece, Wanted, Wrong

_BATCH_BYTES: Final = 4 << 20
_WHOLE: Final = "check that the file is whole"


def read_groups(piece: Piece, wanted: Wanted) -> Iterator[Batch]:
    """The rows of some row groups; a file that lacks a column has no rows but one fault, and a row
    group that cannot be read is one fault of as many rows."""
    seen = 0
    nothing = np.zeros(0, np.int64)
    try:
        with pq.ParquetFile(piece.file) as file:
            what = _unfit(file.schema_arrow, wanted, file.metadata.num_rows)
            if what:
                yield Batch(pa.table({}), nothing, (Wrong(None, what),), 0)
                return
            if not file.metadata.num_rows:
                yield Batch(without_views(file.schema_arrow.empty_table()), nothing, (), 0)
                return
            groups = range(piece.begin, piece.end)
            rows = sum(file.metadata.row_group(group).num_rows for group in groups)
            size = max(1, rows * _BATCH_BYTES // max(piece.size_bytes, 1))
            try:
                for batch in file.iter_batches(size, row_groups=groups, use_threads=False):
                    yield _batch(without_views(pa.Table.from_batches([batch])), seen, wanted)
                    seen += batch.num_rows
            except (OSError, pa.ArrowInvalid):
                yield from _one_by_one(file, groups, seen, wanted)
    except (OSError, pa.ArrowInvalid) as error:
        wrong = Wrong(None, f"cannot be read ({error}); {_WHOLE}")
        yield Batch(pa.table({}), nothing, (wrong,), seen)


def _one_by_one(
    file: pq.ParquetFile, groups: Iterable[int], seen: int, wanted: Wanted
) -> Iterator[Batch]:
    """The rows after the first `seen`, row group by row group, without those that are corrupt."""
    begin = 0
    for group in groups:
        end = begin + file.metadata.row_group(group).num_rows
        first = max(begin, seen)
        if first < end:
            try:
                table = file.read_row_group(group, use_threads=False).slice(first - begin)
                yield _batch(without_views(table), first, wanted)
            except (OSError, pa.ArrowInvalid) as error:
                what = f"{end - first} rows of a row group cannot be read ({error}); {_WHOLE}"
                faults = (Wrong(first + 1, what, end - first),)
                yield Batch(pa.table({}), np.zeros(0, np.int64), faults, end)
        begin = end


def _unfit(schema: pa.Schema, wanted: Wanted, rows: int) -> str:
    """Why a file cannot be read; the columns of a table without rows may have no type."""
    for name, fits, kind in (
        (wanted.id, is_id, "texts or integers"),
        (wanted.text, is_text, "texts"),
    ):
        if name not in schema.names:
            return f"expected a column `{name}`, found {schema.names}"
        found = schema.field(name).type
        if not (fits(found) or (not rows and pa.types.is_null(found))):
            return f"expected {kind} in column `{name}`, found {found}"
    return ""


def _batch(table: pa.Table, before: int, wanted: Wanted) -> Batch:
    wrong: dict[int, str] = {}
    for name in (wanted.id, wanted.text):
        column = table[name]
        if column.null_count:
            for row in np.flatnonzero(column.is_null().to_numpy()).tolist():
                wrong.setdefault(row, f"expected a value in `{name}`, found null")
        if is_text(column.type) and not _is_utf8(column):
            for row in range(len(column)):
                fault = _utf8_fault(column[row])
                if fault:
                    wrong.setdefault(row, f"expected UTF-8 in `{name}`, found {fault}")
    rows = np.arange(before + 1, before + table.num_rows + 1)
    if wrong:
        right = np.ones(table.num_rows, dtype=np.bool_)
        right[list(wrong)] = False
        table, rows = table.filter(pa.array(right)), rows[right]
    faults = tuple(Wrong(before + row + 1, wrong[row]) for row in sorted(wrong))
    return Batch(table, rows, faults, before + len(rows) + len(faults))


def _is_utf8(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _utf8_fault(value: pa.Scalar) -> str:
    try:
        value.as_py()
    except UnicodeDecodeError as error:
        return f"byte 0x{error.object[error.start]:02x} at byte {error.start + 1}"
    return ""
