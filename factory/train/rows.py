"""A published dataset -> a token file: streamed, refused where wrong, over-length rows counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import TrainError
from factory.progress import progress
from factory.train.render import Renderer
from factory.train.tokens import Document, write_tokens

_COLUMNS: Final = ["uuid", "messages"]
_BATCH_ROWS: Final = 512


@dataclass
class RowCounts:
    """What became of the rows of a dataset."""

    read: int = 0
    kept: int = 0
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


def tokenise_dataset(
    dataset: Path, renderer: Renderer, path: Path, *, max_length_tokens: int, made_from: str
) -> RowCounts:
    """Write the token file of a dataset, its documents in the dataset's order.

    Raises:
        TrainError: A file is not a dataset's; a row must not be learned (see `Renderer`); or no
            row is short enough.
    """
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
    return counts


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
