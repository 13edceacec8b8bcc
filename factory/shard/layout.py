"""The files of a dataset: names, Parquet options, and which rows go into which shard.

    dataset.json                        what it is: digest, files, recipe, inputs, ledger
    README.md                           the card
    recipe.json                         the recipe, as far as the dataset depends on it
    data/train-00000-of-00002.parquet   the rows
    reasoning_content/train-…           the other configs, each in a folder of its name

zstd level 3, content-defined chunking and a page index: after a change of a few rows most pages
keep their bytes, so that a hub stores and sends only what is new.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.parts import kept_part, sync_folder

DATASET: Final = "dataset.json"
CARD: Final = "README.md"
RECIPE: Final = "recipe.json"
DATA: Final = "data"

_ROWS_PER_GROUP: Final = 4096
_MADE_FROM: Final = b"retort_made_from"
"""The mark by which `factory.parts.kept_part` knows what a file was made from."""


def shard_name(number: int, count: int) -> str:
    """`train-00000-of-00002.parquet`."""
    return f"train-{number:05d}-of-{count:05d}.parquet"


def shard_sizes(row_bytes: pl.Series, shard_bytes: int) -> list[int]:
    """Rows of each shard, in order; together all rows, and at least one shard.

    A shard ends with the row that fills it; only the last may be smaller. The sizes depend on the
    rows alone, not on the parts that they came in.
    """
    sizes: list[int] = []
    rows = filled = 0
    for size in row_bytes:
        rows, filled = rows + 1, filled + size
        if filled >= shard_bytes:
            sizes.append(rows)
            rows = filled = 0
    return [*sizes, rows] if rows or not sizes else sizes


def kept_shard(folder: Path, name: str, made_from: str) -> bool:
    """Whether the shard is there, whole, and made from the same rows."""
    return kept_part(folder, name, made_from=made_from) is not None


def write_shard(folder: Path, name: str, table: pa.Table, made_from: str) -> None:
    """Write one shard so that it is there whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    hidden = folder / f".{name}.{os.getpid()}"
    pq.write_table(
        table.replace_schema_metadata({_MADE_FROM: made_from.encode()}),
        hidden,
        row_group_size=_ROWS_PER_GROUP,
        compression="zstd",
        compression_level=3,
        use_content_defined_chunking=True,
        write_page_index=True,
    )
    with open(hidden, "rb+") as file:
        os.fsync(file.fileno())
    hidden.replace(folder / name)
    sync_folder(folder)


def remove_strays(folder: Path, names: set[str]) -> None:
    """Remove what an earlier, interrupted try left that does not belong to this dataset."""
    for path in sorted(folder.iterdir()):
        if path.name in names:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
