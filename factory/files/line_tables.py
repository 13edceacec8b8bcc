"""Tables of JSONL, with the lines that are wrong told apart."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from factory.files.table_columns import fitted, is_id, is_text, merged
from factory.files.table_files import Batch, Piece, Wanted, Wrong

_BATCH_BYTES: Final = 4 << 20
_MARK: Final = b"\xef\xbb\xbf"
_MOST_INTEGER: Final = (1 << 63) - 1

Line = tuple[int, bytes]


def read_lines(piece: Piece, wanted: Wanted) -> Iterator[Batch]:
    """The rows of a piece of a JSONL file; rows are numbered as lines are."""
    seen = 0
    try:
        with open(piece.file, "rb") as file:
            file.seek(piece.begin)
            packed = piece.file.name.endswith(".gz")
            stream: Any = gzip.GzipFile(fileobj=file) if packed else file
            for data in _blocks(stream, None if packed else piece.end - piece.begin):
                if not seen and not piece.begin and data.startswith(_MARK):
                    data = data[len(_MARK) :]
                lines = data.count(b"\n") + (not data.endswith(b"\n"))
                yield _batch(data, seen, lines, wanted)
                seen += lines
    except (OSError, EOFError, zlib.error) as error:
        what = f"cannot be read from here on ({error}); check that the file is whole"
        yield Batch(pa.table({}), np.zeros(0, np.int64), (Wrong(seen + 1, what),), seen)


def _blocks(stream: Any, size_bytes: int | None) -> Iterator[bytes]:
    """Whole lines, a few megabytes at a time."""
    begun = io.BytesIO()
    left = size_bytes
    while block := stream.read(_BATCH_BYTES if left is None else min(_BATCH_BYTES, left)):
        left = None if left is None else left - len(block)
        cut = block.rfind(b"\n") + 1
        begun.write(block[:cut] if cut else block)
        if cut:
            yield begun.getvalue()
            begun = io.BytesIO()
            begun.write(block[cut:])
    if begun.tell():
        yield begun.getvalue()


def _batch(data: bytes, before: int, lines: int, wanted: Wanted) -> Batch:
    numbers = np.arange(before + 1, before + lines + 1)
    # Each line begins an object, and there are as many rows: no line is empty or has two.
    plain = data.startswith(b"{") and data.count(b"\n{") + 1 == lines
    table = _parsed(data) if plain else None
    if table is not None and table.num_rows == lines and _right(table, wanted):
        return Batch(table, numbers, (), before + lines)
    right: list[Line] = []
    wrong: list[Wrong] = []
    for number, line in enumerate(data.split(b"\n")):
        if line.strip():
            what = _fault(line, wanted)
            if what:
                wrong.append(Wrong(before + number + 1, what))
            else:
                right.append((before + number + 1, line + b"\n"))
    tables, kept, others = _tables(right)
    wrong = sorted([*wrong, *others], key=lambda one: one.row or 0)
    schema = merged([table.schema for table in tables])
    whole = pa.concat_tables([schema.empty_table(), *(fitted(table, schema) for table in tables)])
    return Batch(whole, np.array(kept, dtype=np.int64), tuple(wrong), before + lines)


def _right(table: pa.Table, wanted: Wanted) -> bool:
    names = table.column_names
    return (
        wanted.id in names
        and wanted.text in names
        and is_id(table.schema.field(wanted.id).type)
        and is_text(table.schema.field(wanted.text).type)
        and not table[wanted.id].null_count
        and not table[wanted.text].null_count
    )


def _parsed(data: bytes) -> pa.Table | None:
    """Lines as a table; None where they are none."""
    try:
        table = _read(data, None)
        dated = [field for field in table.schema if _with_text(field.type) != field.type]
        if dated:
            plain = pa.schema([pa.field(one.name, _with_text(one.type)) for one in dated])
            table = _read(data, plain)
        table.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return table


def _read(data: bytes, schema: pa.Schema | None) -> pa.Table:
    return pj.read_json(
        pa.BufferReader(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema),
    )


def _with_text(kind: pa.DataType) -> pa.DataType:
    """The type with texts where the reader took texts for points in time."""
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_with_text(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, _with_text(one.type)) for one in kind])
    return kind


def _fault(line: bytes, wanted: Wanted) -> str:
    """What is wrong with a line; empty: nothing that can be seen in it alone."""
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = line[error.start]
        return f"expected UTF-8, found byte 0x{byte:02x} at column {error.start + 1}"
    except (ValueError, RecursionError) as error:
        return f"expected one JSON object per line, found {error}"
    if not isinstance(values, dict):
        return f"expected a JSON object, found {type(values).__name__}"
    return _missing(values, wanted)


def _missing(values: dict[str, Any], wanted: Wanted) -> str:
    for name in (wanted.id, wanted.text):
        if name not in values:
            return f"expected a column `{name}`, found {sorted(values)}"
    name, text = values[wanted.id], values[wanted.text]
    if isinstance(name, bool) or not isinstance(name, str | int):
        return f"expected a text or an integer as `{wanted.id}`, found {name!r:.80}"
    if isinstance(name, int) and not -_MOST_INTEGER - 1 <= name <= _MOST_INTEGER:
        return f"expected an integer of 64 bits as `{wanted.id}`, found {name}"
    if not isinstance(text, str):
        return f"expected a text in `{wanted.text}`, found {text!r:.80}"
    return ""


def _tables(lines: list[Line]) -> tuple[list[pa.Table], list[int], list[Wrong]]:
    """Tables of lines that are right each by itself, in order; where not all fit into one table
    they are halved until they do. With the numbers of the lines, and those that fit nowhere."""
    if not lines:
        return [], [], []
    table = _parsed(b"".join(line for _, line in lines))
    if table is not None and table.num_rows == len(lines):
        return [table], [number for number, _ in lines], []
    if len(lines) == 1:
        number, line = lines[0]
        try:
            _read(line, None)
            what = "a value that has no place in a column"
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            what = str(error).removeprefix("JSON parse error: ").removesuffix(" in row 0")
        return [], [], [Wrong(number, f"expected values that fit into columns, found: {what}")]
    half = len(lines) // 2
    tables, numbers, wrong = _tables(lines[:half])
    more, others, faults = _tables(lines[half:])
    return tables + more, numbers + others, wrong + faults
