"""The files of a dataset's folder that are not its samples: other configs, ledger, card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from factory.digest import file_sha256
from factory.parts import write_atomically
from factory.shard import samples
from factory.shard.card import render_card
from factory.shard.card_facts import Facts
from factory.shard.configs import FOLDERS, PREFERENCE, PROBLEMS
from factory.shard.content import digest_of_rows, row_digests
from factory.shard.extras import extra_files
from factory.shard.layout import CARD, LEDGER, remove_strays, write_shards
from factory.shard.ledger_files import cluster_rows, dropped_rows
from factory.shard.problems import SCHEMA as PROBLEM_ROWS
from schemas import arrow
from schemas.manifest import PartFile

SCHEMAS: Final = {**samples.SCHEMAS, PREFERENCE: arrow.PREFERENCE, PROBLEMS: PROBLEM_ROWS}
"""Config -> columns of its rows."""
Named = list[tuple[str, int]]
"""Path in the dataset's folder and rows of each file."""


def write_config(
    config: str, rows: Iterable[pa.Table], folder: Path, shard_bytes: int, digests: dict[str, str]
) -> Named:
    """The files of a config; its digest is put into `digests`."""
    found: list[bytes] = []

    def seen() -> Iterator[pa.Table]:
        for table in rows:
            found.extend(row_digests(table))
            yield table

    place = folder / FOLDERS[config]
    files = write_shards(place, seen(), SCHEMAS[config], shard_bytes=shard_bytes)
    digests[config] = digest_of_rows(found)
    remove_strays(place, {name for name, _ in files})
    return [(f"{FOLDERS[config]}/{name}", count) for name, count in files]


def write_ledger(samples_dir: Path, decided: pl.DataFrame, folder: Path, shard_bytes: int) -> Named:
    """The files `ledger/dropped-*` and `ledger/clusters-*`."""
    files: Named = []
    for kind, rows, schema in (
        ("dropped", dropped_rows(samples_dir, decided), arrow.DROPPED),
        ("clusters", cluster_rows(decided), arrow.CLUSTER),
    ):
        files += write_shards(folder / LEDGER, rows, schema, shard_bytes=shard_bytes, kind=kind)
    remove_strays(folder / LEDGER, {name for name, _ in files})
    return [(f"{LEDGER}/{name}", count) for name, count in files]


def write_words(facts: Facts, folder: Path) -> list[PartFile]:
    """The card and what stands beside it."""
    contents = {**extra_files(facts), CARD: render_card(facts).encode()}
    for path in sorted({(folder / name).parent for name in contents} - {folder}):
        path.mkdir(parents=True, exist_ok=True)
        remove_strays(path, {Path(name).name for name in contents})
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return [described(folder, name) for name in sorted(contents)]


def described(folder: Path, path: str, rows: int = 0) -> PartFile:
    """A file of the dataset, with its size and digest."""
    file = folder / path
    return PartFile(path=path, rows=rows, bytes=file.stat().st_size, sha256=file_sha256(file))
