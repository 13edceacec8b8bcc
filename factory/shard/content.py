"""The digest of a dataset's rows: of what they say, not of files, parts or their order.

Each row is put as canonical JSON (`factory.digest.canonical_json`) and hashed by SHA-256; the
digest is the SHA-256 of the sorted hashes. `dataset.json` says it, and anyone can find it again
from the Parquet files alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.digest import canonical_json

_BATCH_ROWS: Final = 1024


def row_digests(rows: pa.Table | pa.RecordBatch) -> list[bytes]:
    """SHA-256 of each row, 32 bytes, in their order."""
    batches = rows.to_batches(max_chunksize=_BATCH_ROWS) if isinstance(rows, pa.Table) else [rows]
    return [
        hashlib.sha256(canonical_json(row).encode("utf-8", "surrogatepass")).digest()
        for batch in batches
        for row in batch.to_pylist()
    ]


def digest_of_rows(digests: Iterable[bytes]) -> str:
    """SHA-256 of the sorted digests of rows, 64 hexadecimal digits."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def content_digest(files: Iterable[Path]) -> str:
    """The digest of all rows of some Parquet files, read batch by batch.

    Raises:
        OSError, pa.ArrowInvalid: A file cannot be read.
    """
    return digest_of_rows(one for file in files for one in _of_file(file))


def _of_file(file: Path) -> Iterator[bytes]:
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(batch_size=_BATCH_ROWS):
            yield from row_digests(batch)
