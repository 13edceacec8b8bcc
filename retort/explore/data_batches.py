"""The rows of a dataset's files a few at a time, named by their ids and problems, whoever made
the files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import InputFileError, ManifestMismatch
from retort.explore.file_batches import short
from retort.explore.light_rows import Kind, Place
from retort.explore.row_texts import said, text_of

_ID_COLUMNS: Final = ("uuid", "id", "candidate_id")
_ROWS: Final = 1024
_HASH_HEX: Final = 16


class DataBatch:
    """Some rows of a file of data: `candidate_id`, `problem_id`, what else was asked for, and the
    messages."""

    def __init__(self, frame: pl.DataFrame, first: int, messages: Sequence[Any]) -> None:
        self.frame, self.first, self.messages = frame, first, messages


def data_batches(place: Place, by_id: bool, columns: Sequence[str]) -> Iterator[DataBatch]:
    """Named by the column of ids, where that may be and there is one, else by file and number."""
    path = Path(place.path)
    try:
        with pq.ParquetFile(path) as file:
            names = _readable(path, file.schema_arrow)
            wanted = [one for one in columns if one in names]
            id_column = next((one for one in _ID_COLUMNS if by_id and one in names), None)
            needs_messages = bool(columns) or "problem_id" not in names
            read = {*wanted, *({"problem_id", "problem"} & {*names})}
            read |= {id_column} if id_column is not None else set[str]()
            read |= {"messages"} & {*names} if needs_messages else set[str]()
            if not {"messages", "problem", "problem_id"} & {*names}:
                raise InputFileError(
                    f"{path}: expected a column `messages`, found {names}; it cannot be shown"
                )
            first = 0
            for batch in file.iter_batches(batch_size=_ROWS, columns=sorted(read)):
                yield _batch(path, batch, first, id_column)
                first += batch.num_rows
    except (OSError, pa.ArrowInvalid) as error:
        raise ManifestMismatch(f"{path}: cannot be read ({error})") from error


def _readable(path: Path, schema: pa.Schema) -> list[str]:
    """The columns that can be shown: words, numbers, and messages.

    Raises:
        InputFileError: `messages` holds something else than turns.
    """
    names: list[str] = []
    for one in schema:
        kind = one.type
        nested = pa.types.is_nested(kind) or pa.types.is_binary(kind)
        if one.name == "messages":
            turns = kind.value_type if pa.types.is_list(kind) or _is_large(kind) else kind
            if not pa.types.is_struct(turns):
                raise InputFileError(
                    f"{path}: expected `messages` to be lists of turns with `role` and `content`, "
                    f"found {kind}; it cannot be shown"
                )
            names.append(one.name)
        elif not nested:
            names.append(one.name)
    return names


def _is_large(kind: pa.DataType) -> bool:
    return pa.types.is_large_list(kind)


def _batch(path: Path, batch: pa.RecordBatch, first: int, id_column: str | None) -> DataBatch:
    names = batch.schema.names
    messages = batch.column("messages").to_pylist() if "messages" in names else []
    kept = [name for name in names if name != "messages"]
    if kept:
        frame = cast("pl.DataFrame", pl.from_arrow(batch.select(kept)))
    else:
        frame = pl.DataFrame({"row": range(batch.num_rows)})
    numbers = range(first, first + batch.num_rows)
    by_place = pl.Series([f"{path.stem}-{number}" for number in numbers], dtype=pl.String)
    ids = by_place if id_column is None else frame[id_column].cast(pl.String).fill_null(by_place)
    if "problem_id" in names:
        problems = frame["problem_id"].cast(pl.String).fill_null("")
    else:
        asked = frame["problem"].to_list() if "problem" in names else map(_asked, messages)
        problems = pl.Series([_hashed(one or "") for one in asked], dtype=pl.String)
    return DataBatch(frame.with_columns(candidate_id=ids, problem_id=problems), first, messages)


def _asked(turns: Any) -> str:
    """The last turn that is not the assistant's."""
    found = [one for one in turns or [] if one.get("role") != "assistant"]
    return said(found[-1]) if found else ""


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_HEX]


def statement_of(batch: DataBatch) -> pl.Expr | pl.Series:
    if "problem" in batch.frame:
        return short("problem")
    asked = [_asked(turns)[:800] for turns in batch.messages]
    return pl.DataFrame({"asked": asked}, schema={"asked": pl.String}).select(short("asked"))[
        "asked"
    ]


def answer_chars(batch: DataBatch) -> pl.Series:
    place = Place(path="", kind=Kind.DATA)
    return pl.Series(
        [len(text_of(place, {"messages": turns})) for turns in batch.messages], dtype=pl.Int32
    )
