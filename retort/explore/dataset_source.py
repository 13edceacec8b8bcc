"""A dataset as it is shown: its rows, and by id and reason what its ledger says was dropped.

A folder with nothing but `data/*.parquet` opens too: what a column does not say is empty. Rows
without an id of their own are named by their file and number, rows without a problem by what they
ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.audit.counts import DROPPED_FILES
from factory.dataset.reasons import VERDICTS
from factory.errors import InputFileError, ManifestMismatch
from factory.shard.description import read_description
from factory.shard.layout import DATA, DATASET
from retort.explore.file_batches import batches, in_shape, placed, short
from retort.explore.light_rows import ENDS, KEPT, PROBLEMS, ROWS, Kind, Place, file_name
from retort.explore.problem_reading import said, text_of
from schemas.sample import Drop
from schemas.verdict import Status

_ID_COLUMNS: Final = ("uuid", "id", "candidate_id")
_ROWS: Final = 1024
_NO_ANSWER: Final = frozenset({Drop.FAILED, Drop.OVERLONG_PROMPT, Drop.MERGED})
_HASH_HEX: Final = 16


def data_files(folder: Path) -> list[Path]:
    """The Parquet files of a dataset's rows, in order of their names."""
    return sorted((folder / DATA).glob("*.parquet"))


class DatasetSource:
    """The rows of a dataset; see `light_rows.Source`."""

    kind = "dataset"

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()
        self.digests: dict[str, str] = {}
        self.clusters: Path | None = None
        self.ours = (folder / DATASET).is_file()
        dropped = sorted(folder.glob(f"{DROPPED_FILES}*.parquet"))
        if self.ours:
            about = read_description(folder)
            self.name = file_name(f"{about.name}-{about.version}")
            self.title = f"{about.name} {about.version}"
            self.digests[str(folder)] = about.digest
            self.clusters = folder
        else:
            self.name, self.title = file_name(folder.name), folder.name
        self.places = [Place(path=str(one), kind=Kind.DATA) for one in data_files(folder)]
        self.places += [Place(path=str(one), kind=Kind.DROPPED) for one in dropped]
        if not data_files(folder):
            raise InputFileError(f"{folder}: expected {DATA}/*.parquet, found none")

    def problems(self) -> Iterator[pl.DataFrame]:
        """Frames of `PROBLEMS`."""
        for number, place in self._of(Kind.DATA):
            columns = ["problem", "domain", "source", "category", "level"]
            for batch in _data(place, self._by_id, columns):
                frame = batch.frame.with_columns(statement=_statement(batch))
                frame = placed(frame, number, batch.first).unique(
                    "problem_id", keep="first", maintain_order=True
                )
                yield in_shape(frame, PROBLEMS)
        for _, place in self._of(Kind.DROPPED):
            for batch in batches(Path(place.path), ["problem_id"]):
                frame = batch.frame.unique().with_columns(place=pl.lit(-1), row=pl.lit(-1))
                yield in_shape(frame, PROBLEMS)

    def rows(self) -> Iterator[pl.DataFrame]:
        """Frames of `ROWS`."""
        published: list[pl.Series] = []
        for number, place in self._of(Kind.DATA):
            columns = ["generation_model", "finish_reason", "num_tokens", "pass_rate"]
            for batch in _data(place, self._by_id, columns):
                frame = batch.frame.rename(
                    {"generation_model": "teacher", "num_tokens": "tokens"}, strict=False
                )
                verdict = Status.CORRECT.value if self.ours else ""
                frame = frame.with_columns(
                    reason=pl.lit(KEPT), verdict=pl.lit(verdict), chars=_answer_chars(batch)
                )
                published.append(frame["candidate_id"])
                yield in_shape(placed(frame, number, batch.first), ROWS)
        kept = pl.concat(published).implode() if published else pl.Series([[]])
        for _, place in self._of(Kind.DROPPED):
            for batch in batches(Path(place.path), ["candidate_id", "problem_id", "reason"]):
                frame = batch.frame.filter(~pl.col("candidate_id").is_in(kept)).with_columns(
                    verdict=_verdict(), place=pl.lit(-1), row=pl.lit(-1)
                )
                yield in_shape(frame, ROWS)

    def ends(self) -> Iterator[pl.DataFrame]:
        """Frames of `ENDS`."""
        for number, place in self._of(Kind.DROPPED):
            for batch in batches(Path(place.path), ["candidate_id", "reason"]):
                yield in_shape(placed(batch.frame, number, batch.first), ENDS)
        for number, place in self._of(Kind.DATA):
            for batch in _data(place, self._by_id, []):
                frame = batch.frame.with_columns(reason=pl.lit(KEPT))
                yield in_shape(placed(frame, number, batch.first), ENDS)

    @cached_property
    def _by_id(self) -> bool:
        """Whether no id stands in two rows; ids of another maker may be those of problems."""
        if self.ours:
            return True
        ids = [pl.Series([], dtype=pl.String)]
        for _, place in self._of(Kind.DATA):
            ids += [batch.frame["candidate_id"] for batch in _data(place, True, [])]
        return pl.concat(ids).is_unique().all()

    def _of(self, kind: Kind) -> Iterator[tuple[int, Place]]:
        return ((n, place) for n, place in enumerate(self.places) if place.kind is kind)


def _verdict() -> pl.Expr:
    """Of a dropped candidate: its reason where that is a verdict, else it was correct."""
    reason = pl.col("reason")
    return (
        pl.when(reason.is_in([one.value for one in VERDICTS]))
        .then(reason)
        .when(reason.is_in([one.value for one in _NO_ANSWER]))
        .then(pl.lit(""))
        .otherwise(pl.lit(Status.CORRECT.value))
    )


# --------------------------------------------------------------------------------------------- data


class _Data:
    """Some rows of a file of data: `candidate_id`, `problem_id`, what else was asked for, and the
    messages."""

    def __init__(self, frame: pl.DataFrame, first: int, messages: Sequence[Any]) -> None:
        self.frame, self.first, self.messages = frame, first, messages


def _data(place: Place, by_id: bool, columns: Sequence[str]) -> Iterator[_Data]:
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


def _batch(path: Path, batch: pa.RecordBatch, first: int, id_column: str | None) -> _Data:
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
    return _Data(frame.with_columns(candidate_id=ids, problem_id=problems), first, messages)


def _asked(turns: Any) -> str:
    """The last turn that is not the assistant's."""
    found = [one for one in turns or [] if one.get("role") != "assistant"]
    return said(found[-1]) if found else ""


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_HEX]


def _statement(batch: _Data) -> pl.Expr | pl.Series:
    if "problem" in batch.frame:
        return short("problem")
    asked = [_asked(turns)[:800] for turns in batch.messages]
    return pl.DataFrame({"asked": asked}, schema={"asked": pl.String}).select(short("asked"))[
        "asked"
    ]


def _answer_chars(batch: _Data) -> pl.Series:
    place = Place(path="", kind=Kind.DATA)
    return pl.Series(
        [len(text_of(place, {"messages": turns})) for turns in batch.messages], dtype=pl.Int32
    )
