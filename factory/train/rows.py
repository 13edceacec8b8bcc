"""A published dataset -> token files: one for each Parquet file, refused where a row is wrong.

Files are read by several processes and in bounded memory; token files that are there and valid
are kept. Rows that are too long are dropped whole and counted, then the problems that are held out
go into token files of their own.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from factory.digest import digest
from factory.errors import TrainError
from factory.parts import map_parts, write_atomically
from factory.progress import progress
from factory.train.held_out import HeldOut, hold_out
from factory.train.render import Renderer
from factory.train.tokens import TokenWriter, tokens_made_from
from schemas.machine import Machine
from schemas.row import Row

_FORMAT: Final = 1
"""Of what is written here; another one makes every token file anew."""
_COLUMNS: Final = ["uuid", "messages"]
_PROBLEM: Final = "problem_id"
_BATCH_ROWS: Final = 64
_WORTH_PROCESSES_BYTES: Final = 32_000_000
"""Smaller datasets are tokenised before the processes that would do it have started."""


class RowCounts(Row):
    """What became of the rows of a dataset: `read = kept + held_out + over_length`."""

    read: int = 0
    kept: int = 0
    """Documents to learn."""
    held_out: int = 0
    """Of problems that are kept for the evaluation loss."""
    over_length: int = 0
    """More tokens than allowed, with prompt and end token; dropped whole."""
    longest_tokens: int = 0
    """Of all rows read."""


class _Part(Row):
    """What stands beside the token files of one Parquet file, once they are whole."""

    made_from: str
    counts: RowCounts = Field(default_factory=RowCounts)


@dataclass(frozen=True)
class Tokenised:
    """Token files of a dataset, in its order; none is empty."""

    counts: RowCounts
    tokens: list[Path]
    eval_tokens: list[Path]
    """Held-out documents."""


@dataclass(frozen=True)
class _Work:
    """One Parquet file."""

    file: Path
    folder: Path
    number: int
    max_length_tokens: int
    held_out: HeldOut
    made_from: str

    def path(self, kind: str) -> Path:
        """Of what is made of it."""
        return self.folder / f"{kind}-{self.number:05d}"

    @property
    def tokens(self) -> Path:
        """The documents to learn."""
        return self.path("tokens").with_suffix(".arrow")

    @property
    def eval_tokens(self) -> Path:
        """Those held out."""
        return self.path("held-out").with_suffix(".arrow")

    @property
    def beside(self) -> Path:
        """Its counts; written last."""
        return self.path("counts").with_suffix(".json")

    def kept(self) -> RowCounts | None:
        """The counts, where the token files are whole and were made from the same things."""
        try:
            part = _Part.model_validate_json(self.beside.read_bytes())
        except (OSError, ValueError):
            return None
        made = {part.made_from, *(tokens_made_from(one) for one in (self.tokens, self.eval_tokens))}
        return part.counts if made == {self.made_from} else None


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


def tokenise_dataset(
    dataset: Path,
    renderer: Renderer,
    folder: Path,
    *,
    max_length_tokens: int,
    held_out: float,
    seed: int,
    machine: Machine,
    made_from: str,
) -> Tokenised:
    """Write the token files of a dataset, its documents in the dataset's order.

    Problems are held out by their `problem_id`, all samples of one on one side; where a dataset
    has no such column, each row is a problem of its own.

    Args:
        dataset: Its folder.
        renderer: Of the student's tokenizer.
        folder: Where the token files go; those that are there and valid are kept.
        max_length_tokens: Longer rows are dropped.
        held_out: Share of the problems, in [0, 1).
        seed: Of the recipe.
        machine: Says how many processes.
        made_from: Digest of all that decides the documents.

    Raises:
        TrainError: A file is not a dataset's; a row must not be learned (see `Renderer`); or no
            row is short enough, or none is left to learn.
    """
    files = dataset_files(dataset)
    rows = [_check_columns(file) for file in files]
    aside = hold_out(_problems(files) if held_out else [], held_out, seed)
    made_from = digest([made_from, _FORMAT, max_length_tokens, aside.seed, str(aside.limit)])
    works = [
        _Work(file, folder, number, max_length_tokens, aside, digest([made_from, file.name]))
        for number, file in enumerate(files)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _remove_strays(folder, works)
    found: dict[int, RowCounts] = {}
    with progress("tokenise", sum(rows), "rows") as bar:
        workers = _workers(files, machine)
        if workers > 1:
            work = partial(_tokenise_there, pickle.dumps(renderer))
            for number, counts in map_parts(work, works, workers=workers):
                found[number] = counts
                bar.update(counts.read)
        else:
            work = partial(_tokenise, renderer, tell=bar.update)
            found.update(map_parts(work, works, workers=1))
    counts = _sum([found[number] for number in range(len(works))])
    _check_some_left(dataset, counts, max_length_tokens, held_out)
    return Tokenised(
        counts,
        [work.tokens for work in works if found[work.number].kept],
        [work.eval_tokens for work in works if found[work.number].held_out],
    )


def _workers(files: Sequence[Path], machine: Machine) -> int:
    """Processes that are worth their start; one leaves all cores to the tokenizer's own threads."""
    if sum(file.stat().st_size for file in files) < _WORTH_PROCESSES_BYTES:
        return 1
    return min(machine.workers or len(os.sched_getaffinity(0)), len(files))


def _check_columns(file: Path) -> int:
    """The rows of a file that has the columns; its footer alone is read."""
    try:
        opened = pq.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(file, error) from error
    with opened:
        schema: pa.Schema = opened.schema_arrow
        if missing := set(_COLUMNS) - set(schema.names):
            raise TrainError(
                f"dataset file {file}: expected the columns {_COLUMNS}, found no "
                f"{sorted(missing)}; is it a published dataset?"
            )
        turns: Any = schema.field("messages").type
        turn: Any = getattr(turns, "value_type", None)
        if not pa.types.is_struct(turn) or not {"role", "content"} <= {one.name for one in turn}:
            raise TrainError(
                f"dataset file {file}: expected messages that are lists of role and content, "
                f"found {turns}; write them in this form"
            )
        return opened.metadata.num_rows


def _problems(files: Sequence[Path]) -> Iterator[pa.Array]:
    for file in files:
        name = _problem_column(file)
        yield from (batch.column(name) for batch in _batches(file, [name], 4096))


def _problem_column(file: Path) -> str:
    """What names a row's problem: its own name where the file has no problems."""
    return _PROBLEM if _PROBLEM in pq.read_schema(file).names else _COLUMNS[0]


def _batches(file: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
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


def _remove_strays(folder: Path, works: Sequence[_Work]) -> None:
    """Token files of another dataset that was tokenised here before."""
    own = {path for work in works for path in (work.tokens, work.eval_tokens, work.beside)}
    for path in folder.iterdir():
        if path not in own and path.is_file():
            path.unlink()


def _sum(parts: Sequence[RowCounts]) -> RowCounts:
    return RowCounts(
        read=sum(one.read for one in parts),
        kept=sum(one.kept for one in parts),
        held_out=sum(one.held_out for one in parts),
        over_length=sum(one.over_length for one in parts),
        longest_tokens=max(one.longest_tokens for one in parts),
    )


def _check_some_left(
    dataset: Path, counts: RowCounts, max_length_tokens: int, held_out: float
) -> None:
    if counts.kept:
        return
    if counts.held_out:
        raise TrainError(
            f"dataset {dataset}: expected rows to learn, found all {counts.held_out} that are "
            f"short enough among the problems held out; lower train.held_out ({held_out})"
        )
    raise TrainError(
        f"dataset {dataset}: expected rows of at most {max_length_tokens} tokens, found none "
        f"among {counts.read} (the longest has {counts.longest_tokens}); raise "
        f"train.max_length_tokens"
    )


# ------------------------------------------------------------------------------ in other processes


@lru_cache(maxsize=1)
def _unpickled(renderer: bytes) -> Renderer:
    return pickle.loads(renderer)


def _tokenise_there(renderer: bytes, work: _Work) -> RowCounts:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are as many as the cores
    return _tokenise(_unpickled(renderer), work)


def _tokenise(
    renderer: Renderer, work: _Work, tell: Callable[[int], object] | None = None
) -> RowCounts:
    """Write the token files of one Parquet file, unless they are there; `tell` hears of rows."""
    counts = work.kept()
    if counts is None:
        work.beside.unlink(missing_ok=True)
        counts = _write(renderer, work, tell)
        part = _Part(made_from=work.made_from, counts=counts)
        write_atomically(work.beside, part.model_dump_json().encode())
    elif tell is not None:
        tell(counts.read)
    return counts


def _write(renderer: Renderer, work: _Work, tell: Callable[[int], object] | None) -> RowCounts:
    read = over_length = longest = 0
    problem = _problem_column(work.file)
    columns = [*_COLUMNS, *({problem} - set(_COLUMNS))]
    with (
        TokenWriter(work.tokens, made_from=work.made_from) as learned,
        TokenWriter(work.eval_tokens, made_from=work.made_from) as measured,
    ):
        for batch in _batches(work.file, columns, _BATCH_ROWS):
            rows: dict[str, list[Any]] = batch.to_pydict()
            documents = renderer.documents(rows["uuid"], rows["messages"])
            for document, name in zip(documents, rows[problem], strict=True):
                longest = max(longest, len(document.ids))
                if len(document.ids) > work.max_length_tokens:
                    over_length += 1
                else:
                    (measured if name in work.held_out else learned).add(document)
            read += len(documents)
            if tell is not None:
                tell(len(documents))
        kept, held_out = learned.written, measured.written
    return RowCounts(
        read=read, kept=kept, held_out=held_out, over_length=over_length, longest_tokens=longest
    )
