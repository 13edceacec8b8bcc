"""A published dataset -> a token file: streamed, refused where wrong, over-length rows counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import TrainError
from factory.parts import write_atomically
from factory.progress import progress
from factory.train.render import Renderer
from factory.train.tokens import Document, tokens_made_from, write_tokens
from schemas.machine import Machine

_COLUMNS: Final = ["uuid", "messages"]
_BATCH_ROWS: Final = 512


@dataclass
class RowCounts:
    """What became of the rows of a dataset."""

    read: int = 0
    kept: int = 0
    held_out: int = 0
    """Of problems that are kept for the evaluation loss."""
    over_length: int = 0
    """More tokens than allowed, with prompt and end token; dropped whole."""
    longest_tokens: int = 0
    """Of all rows read."""


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


@dataclass(frozen=True)
class Tokenised:
    """Token files of a dataset."""

    counts: RowCounts
    tokens: list[Path]
    eval_tokens: list[Path]
    """Held-out documents."""


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

    Raises:
        TrainError: A file is not a dataset's; a row must not be learned (see `Renderer`); or no
            row is short enough.
    """
    del held_out, seed, machine
    path = folder / "tokens.arrow"
    beside = path.with_suffix(".json")
    if tokens_made_from(path) == made_from and beside.is_file():
        counts = RowCounts(**json.loads(beside.read_text(encoding="utf-8")))
        return Tokenised(counts, [path], [])
    beside.unlink(missing_ok=True)
    counts = RowCounts()

    def fitting() -> Iterator[Document]:
        for document in _documents(dataset, renderer):
            counts.read += 1
            counts.longest_tokens = max(counts.longest_tokens, len(document.ids))
            if len(document.ids) > max_length_tokens:
                counts.over_length += 1
                continue
            counts.kept += 1
            yield document

    write_tokens(path, fitting(), made_from=made_from)
    if not counts.kept:
        path.unlink()
        raise TrainError(
            f"dataset {dataset}: expected rows of at most {max_length_tokens} tokens, found none "
            f"among {counts.read} (the longest has {counts.longest_tokens}); raise "
            f"train.max_length_tokens"
        )
    write_atomically(beside, json.dumps(asdict(counts)).encode())
    return Tokenised(counts, [path], [])


def _documents(dataset: Path, renderer: Renderer) -> Iterator[Document]:
    files = dataset_files(dataset)
    try:
        total = sum(pq.read_metadata(file).num_rows for file in files)
        with progress("tokenise", total, "rows") as bar:
            for file in files:
                reader = pq.ParquetFile(file)
                for batch in reader.iter_batches(batch_size=_BATCH_ROWS, columns=_COLUMNS):
                    rows: dict[str, list[Any]] = batch.to_pydict()
                    yield from renderer.documents(rows["uuid"], rows["messages"])
                    bar.update(batch.num_rows)
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise TrainError(
            f"dataset {dataset}: expected Parquet files with columns {_COLUMNS}, found {error}"
        ) from error
