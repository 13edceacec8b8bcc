"""The files of a dataset: names, Parquet options, and which rows go into which file and row group.

    dataset.json                        what it is: digest, files, recipe, inputs, ledger
    README.md                           the card
    recipe.json                         the recipe, as far as the dataset depends on it
    data/train-00000-of-00002.parquet   the rows
    reasoning_content/train-…           the other configs, each in a folder of its name
    ledger/dropped-…, clusters-…        what is no row, and why
    croissant.json, pictures, trainers  what stands beside the card (`factory.shard.extras`)

zstd level 3, content-defined chunking and a page index. Row groups end where the id of a row says
so, not after a number of rows: where a few rows change, all row groups but theirs keep their bytes,
so that a hub stores and sends only what is new.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.parts import kept_part, sync_folder
from factory.shard.texts import row_sizes

DATASET: Final = "dataset.json"
CARD: Final = "README.md"
RECIPE: Final = "recipe.json"
DATA: Final = "data"
LEDGER: Final = "ledger"

_FEWEST: Final = 512
_MOST: Final = 8192
_ONE_IN: Final = 2048
"""Rows of a row group: at least, at most, and how rare the ids are that end one in between. Of a
shard of 33K rows less seven a hub that cuts files by their content, into pieces of 64 KB, had to
store 7% anew; with groups of 4,096 rows it was 14%, of 1,024 rows 34%."""
_MADE_FROM: Final = b"retort_made_from"
"""The mark by which `factory.parts.kept_part` knows what a file was made from."""


def shard_name(number: int, count: int, kind: str = "train") -> str:
    """`train-00000-of-00002.parquet`."""
    return f"{kind}-{number:05d}-of-{count:05d}.parquet"


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


class ShardFile:
    """A Parquet file under a hidden name, written row group by row group."""

    def __init__(self, hidden: Path, schema: pa.Schema, made_from: str) -> None:
        metadata = {_MADE_FROM: made_from.encode()}
        self._writer = pq.ParquetWriter(
            hidden,
            schema.with_metadata(metadata),
            compression="zstd",
            compression_level=3,
            use_content_defined_chunking=True,
            write_page_index=True,
        )
        self.hidden = hidden
        self.rows = 0
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0

    def write(self, rows: pa.Table) -> None:
        """Append rows; their first column is an id."""
        start = 0
        for stop, name in enumerate(rows.column(0).to_pylist(), start=1):
            count = self._waiting_rows + stop - start
            ends = count >= _FEWEST and zlib.crc32(name.encode()) % _ONE_IN == 0
            if ends or count == _MOST:
                self._wait(rows.slice(start, stop - start))
                self._end_group()
                start = stop
        self._wait(rows.slice(start))

    def close(self) -> None:
        """Write what is left and make it durable."""
        self._end_group()
        self._writer.close()
        with open(self.hidden, "rb+") as file:
            os.fsync(file.fileno())

    def _wait(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._waiting.append(rows)
            self._waiting_rows += rows.num_rows

    def _end_group(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=_MOST)
        self.rows += self._waiting_rows
        self._waiting, self._waiting_rows = [], 0


@contextmanager
def new_shard(folder: Path, name: str, schema: pa.Schema, made_from: str) -> Generator[ShardFile]:
    """A shard that is there, whole, when the block ends; after an error it is not."""
    folder.mkdir(parents=True, exist_ok=True)
    file = ShardFile(folder / f".{name}.{os.getpid()}", schema, made_from)
    yield file
    file.close()
    file.hidden.replace(folder / name)
    sync_folder(folder)


def write_shards(
    folder: Path,
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    *,
    shard_bytes: int,
    kind: str = "train",
) -> list[tuple[str, int]]:
    """Write rows as `kind-00000-of-0000N.parquet`; name and rows of each file, at least one.

    A file ends where it has about `shard_bytes` before compression; where that is depends on the
    rows alone, not on the tables that they come in. The names are given when all are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [ShardFile(folder / f".{kind}-0.{os.getpid()}", schema, "")]
    filled = 0
    for table in tables:
        start = 0
        for stop, size in enumerate(row_sizes(table).tolist(), start=1):
            if filled >= shard_bytes:
                files[-1].write(table.slice(start, stop - 1 - start))
                files[-1].close()
                files.append(ShardFile(folder / f".{kind}-{len(files)}.{os.getpid()}", schema, ""))
                start, filled = stop - 1, 0
            filled += size
        files[-1].write(table.slice(start))
    files[-1].close()
    names = [shard_name(number, len(files), kind) for number in range(len(files))]
    for file, name in zip(files, names, strict=True):
        file.hidden.replace(folder / name)
    sync_folder(folder)
    return [(name, file.rows) for file, name in zip(files, names, strict=True)]


def remove_strays(folder: Path, names: set[str]) -> None:
    """Remove what an earlier, interrupted try left that does not belong to this dataset."""
    for path in sorted(folder.iterdir()):
        if path.name in names:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
