"""The candidate store's tables, and what it takes to open a file of an earlier form.

`candidates` says in which block and at which place of it a completion stands; `layouts` says which
columns the blocks of a layout have, so that a file explains itself; `parts` names the files in
which the completions of settled blocks stand (`settled`). In the first form, `candidates` held a
row with a packed text of its own for each completion: it becomes `candidates_1`, is read as before,
and what is drawn from then on goes into blocks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.generate.blocks import PLACED, STORED, as_columns

LAYOUT: Final = 1
"""Of the blocks that are written: the columns of `STORED`. Other columns are another layout."""
PLACES: Final = 2
"""Of settled blocks: the columns of `PLACED`."""
LAYOUTS: Final = {LAYOUT: STORED, PLACES: PLACED}

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS candidates (
    id BLOB NOT NULL PRIMARY KEY, block INTEGER NOT NULL, place INTEGER NOT NULL,
    created_unix_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, layout INTEGER NOT NULL, content_bytes INTEGER NOT NULL,
    crc32 INTEGER NOT NULL, content BLOB NOT NULL, rows INTEGER);
CREATE TABLE IF NOT EXISTS parts (
    number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS layouts (
    layout INTEGER PRIMARY KEY, arrow_schema BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    id BLOB NOT NULL UNIQUE,
    reason TEXT NOT NULL, detail TEXT NOT NULL, created_unix_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS settings (
    sampling_digest TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL);
"""
_GIVES_BACK: Final = "PRAGMA auto_vacuum = INCREMENTAL"
_AT_EACH_COMMIT: Final = 1
_CACHE_KIB: Final = 64 * 1024
_CHECKPOINT_PAGES: Final = 8192
"""The write-ahead log is written back after so many pages of 4 KiB; ids are random, so a longer
log writes fewer pages twice."""
_BUSY_TIMEOUT_S: Final = 60.0
_ZSTD: Final = pa.Codec("zstd", compression_level=3)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file, which any thread may use; what it commits survives a power cut."""
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    if not connection.execute("PRAGMA page_count").fetchone()[0]:
        connection.execute(_GIVES_BACK)  # a file that has tables stays as it is
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


def make_tables(connection: sqlite3.Connection) -> bool:
    """Make the tables that are not there; whether the file has rows of the first form.

    Raises:
        ValueError: Its blocks have other columns than this version's.
    """
    if _has_column(connection, "candidates", "text"):
        connection.execute("BEGIN IMMEDIATE")
        if _has_column(connection, "candidates", "text"):  # nobody else was first
            connection.execute("ALTER TABLE candidates RENAME TO candidates_1")
        connection.execute("COMMIT")
    connection.executescript(_TABLES)
    if connection.execute("PRAGMA auto_vacuum").fetchone()[0] == _AT_EACH_COMMIT:
        connection.execute(_GIVES_BACK)  # killed while `settled` gave room back
    if not _has_column(connection, "blocks", "rows"):
        with suppress(sqlite3.OperationalError):  # somebody else was first
            connection.execute("ALTER TABLE blocks ADD COLUMN rows INTEGER")
    for layout, columns in LAYOUTS.items():
        _explain_layout(connection, layout, columns)
    return _has_column(connection, "candidates_1", "text")


def _explain_layout(connection: sqlite3.Connection, layout: int, columns: pa.Schema) -> None:
    query = "SELECT arrow_schema FROM layouts WHERE layout = ?"
    if (found := connection.execute(query, (layout,)).fetchone()) is None:
        connection.execute(
            "INSERT INTO layouts VALUES (?, ?) ON CONFLICT DO NOTHING",
            (layout, columns.serialize().to_pybytes()),
        )
    elif not (known := pa.ipc.read_schema(pa.py_buffer(found[0]))).equals(columns):
        raise ValueError(f"layout {layout}: expected {columns.names}, found {known.names}")


FIRST_FORM_COLUMNS: Final = (
    'problem_id, "index", teacher, sampling_digest, prompt_digest, text, finish_reason, '
    "prompt_tokens, completion_tokens, seed, server, engine, created_unix_s, wall_s, text_bytes"
)


def first_form_rows(found: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows of `candidates_1`, selected by `FIRST_FORM_COLUMNS`, in the columns of `STORED`."""
    *values, text_bytes = zip(*found, strict=True)
    text = STORED.get_field_index("text")
    values[text] = tuple(
        _ZSTD.decompress(packed, decompressed_size=size, asbytes=True)
        for packed, size in zip(values[text], text_bytes, strict=True)
    )
    return as_columns(values)


def _has_column(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in connection.execute(f"PRAGMA table_info({table})"))
