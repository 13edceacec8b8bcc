"""Parts: the Parquet files of a stage, written atomically one by one; and `map_parts`.

A part carries the digest of what it was made from in its Parquet metadata, so a stage that is
started again keeps the parts that are valid and makes only the others. `kill -9` at any moment
leaves finished parts and perhaps a file whose name starts with a dot, which nobody reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from factory.columns import wrong_columns
from factory.digest import digest, file_sha256
from factory.errors import ManifestMismatch, SchemaMismatch
from factory.executor import Executor
from factory.processes import in_processes, in_this_process
from schemas.manifest import Manifest, PartFile

MANIFEST: Final = "manifest.json"
_MADE_FROM: Final = b"retort_made_from"
_ZSTD_LEVEL: Final = 3
_PAGE_BYTES: Final = 8 << 20
"""Of a column of a part, before packing. Parts are read whole; long pages pack 6% better than
those of a megabyte."""

Item = TypeVar("Item")
Made = TypeVar("Made")


# ------------------------------------------------------------------------------- atomic writing


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after power loss."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(hidden, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    except OSError:
        with suppress(OSError):
            hidden.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def part_name(kind: str, number: int) -> str:
    """`kind-00017.parquet`."""
    return f"{kind}-{number:05d}.parquet"


def as_table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table of exactly this schema.

    Raises:
        SchemaMismatch: A row has another type, or lacks a value that must be there.
    """
    try:
        table = pa.Table.from_pylist(list(rows), schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaMismatch(f"rows do not fit the schema {schema.names}: {error}") from error
    for field in schema:
        if not field.nullable and table[field.name].null_count:
            raise SchemaMismatch(
                f"column {field.name}: expected a value in every row, found "
                f"{table[field.name].null_count} nulls"
            )
    return table


def write_part(folder: Path, name: str, table: pa.Table, *, made_from: str) -> PartFile:
    """Write one part atomically and say what it is.

    Args:
        folder: The artifact; made if it is not there.
        name: File name within it.
        table: Rows in their final order.
        made_from: Digest of everything that decided the content; `kept_part` asks for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    hidden = folder / f".{name}.{os.getpid()}"
    metadata = {**(table.schema.metadata or {}), _MADE_FROM: made_from.encode()}
    pq.write_table(
        table.replace_schema_metadata(metadata),
        hidden,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        data_page_size=_PAGE_BYTES,
    )
    with open(hidden, "rb+") as file:
        os.fsync(file.fileno())
    hidden.replace(path)
    sync_folder(folder)
    return _describe(folder, path, table.num_rows)


def kept_part(folder: Path, name: str, *, made_from: str) -> PartFile | None:
    """The part of that name if it is whole and was made from the same things, else None."""
    path = folder / name
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return None
    if (footer.metadata or {}).get(_MADE_FROM) != made_from.encode():
        return None
    return _describe(folder, path, footer.num_rows)


def _describe(folder: Path, path: Path, rows: int) -> PartFile:
    return PartFile(
        path=path.relative_to(folder).as_posix(),
        rows=rows,
        bytes=path.stat().st_size,
        sha256=file_sha256(path),
    )


# ------------------------------------------------------------------------------------- manifests


def parts_digest(parts: Sequence[PartFile]) -> str:
    """Digest of an artifact: of the paths and digests of its parts."""
    return digest({part.path: part.sha256 for part in parts})


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Commit an artifact: after this it is finished, before it is not."""
    folder.mkdir(parents=True, exist_ok=True)
    content = manifest.model_dump_json(indent=2) + "\n"
    write_atomically(folder / MANIFEST, content.encode())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished artifact.

    Raises:
        ManifestMismatch: There is none, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ManifestMismatch(
            f"{path}: expected a finished artifact, found none; run its recipe again, what is "
            f"finished is kept"
        ) from error
    except ValueError as error:
        raise ManifestMismatch(
            f"{path}: not a manifest of this version ({error}); delete the folder and run again"
        ) from error


def read_part(folder: Path, part: PartFile, schema: pa.Schema | None = None) -> pa.Table:
    """The rows of one part, checked against its manifest and, where given, its schema.

    Raises:
        ManifestMismatch: The file is missing, corrupt, or has another number of rows.
        SchemaMismatch: Its columns or types differ from `schema`.
    """
    path = folder / part.path
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    if table.num_rows != part.rows:
        raise ManifestMismatch(
            f"{path}: expected {part.rows} rows, found {table.num_rows}; delete the file and the "
            f"manifest beside it and run again, the other parts are kept"
        )
    if schema is not None and not table.schema.equals(schema):
        raise wrong_columns(path, table.schema, schema)
    return table.replace_schema_metadata(None)


def read_parts(folder: Path, kind: str, schema: pa.Schema) -> pa.Table:
    """All rows of one kind of part (`kind-*.parquet`), in the order of the parts."""
    tables = list(iter_parts(folder, kind, schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def parts_of(folder: Path, kind: str) -> list[PartFile]:
    """The parts of one kind (`kind-*.parquet`) that a manifest names, in its order."""
    return [part for part in read_manifest(folder).parts if part.path.startswith(f"{kind}-")]


def iter_parts(folder: Path, kind: str, schema: pa.Schema) -> Iterator[pa.Table]:
    """The parts of one kind, one after the other: bounded memory."""
    for part in parts_of(folder, kind):
        yield read_part(folder, part, schema)


def iter_columns(folder: Path, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of the parts of one kind, one part after the other; the others are not read.

    Raises:
        ManifestMismatch: A part is missing, corrupt, lacks a column or has another number of rows.
    """
    for part in parts_of(folder, kind):
        yield read_columns(folder, part, columns)


def read_columns(folder: Path, part: PartFile, columns: Sequence[str]) -> pa.Table:
    """Some columns of one part; the others are not read. Raises as `iter_columns`."""
    path = folder / part.path
    try:
        table = pq.read_table(path, columns=list(columns))
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    if table.num_rows != part.rows or table.num_columns != len(columns):
        raise ManifestMismatch(
            f"{path}: expected {part.rows} rows with {list(columns)}, found {table.num_rows} "
            f"with {table.column_names}; delete the file and the manifest beside it and run "
            f"again, the other parts are kept"
        )
    return table.select(list(columns)).replace_schema_metadata(None)


def _unreadable(path: Path, error: Exception) -> ManifestMismatch:
    return ManifestMismatch(
        f"{path}: cannot be read ({error}); delete the file and the manifest beside it and run "
        f"again, the other parts are kept"
    )


# ------------------------------------------------------------------------------------- map_parts


def map_parts(
    work: Callable[[Item], Made],
    items: Iterable[Item],
    *,
    executor: Executor,
    in_sandbox: Callable[[Item], bool] | None = None,
) -> Iterator[tuple[int, Made]]:
    """`(position, work(item))` for each item, as they finish: the one seam for loops over parts.

    With one worker, or one item, the work is done here, in order (on a Ray cluster only where
    nothing needs a sandbox, which this machine may lack). With more it is done in other
    processes, on other machines where the executor is Ray, so `work`, the items and what is made
    must pickle; what the work reads and writes lies in the folder of the artifact. Items are taken
    when there is room for them: some for each worker wait at a time. An error of one item is
    raised and the items not yet started are left.

    Args:
        work: Where it is a context manager, each worker enters a copy of its own before the first
            item and leaves it at the end. It is asked for one item at a time; where others are
            done in processes beside it, for items in sandboxes by two threads at once.
        in_sandbox: Items for which it is true run programs in sandboxes: they go where Docker is.
            Their work keeps all sandboxes of its machine busy by itself.

    Raises:
        GraderError: A worker process died (killed, or out of memory); on a Ray cluster, where
            another worker does what one left, workers died again and again at one item.
        ClusterError: Of a Ray cluster, no node is left, or one is not like this machine.
        SandboxUnavailable: Items run in sandboxes, and no node has Docker.
    """
    few = executor.workers <= 1 or (isinstance(items, Sized) and len(items) <= 1)
    if executor.ray is not None and (in_sandbox is not None or not few):
        from factory.cluster.mapped import in_cluster

        most = None if executor.grows else executor.workers
        return in_cluster(work, items, most, executor.ray, in_sandbox)
    if few:
        return in_this_process(work, items)
    workers = min(executor.workers, len(items)) if isinstance(items, Sized) else executor.workers
    return in_processes(work, items, workers, in_sandbox)
