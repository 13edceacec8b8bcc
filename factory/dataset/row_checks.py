"""Whether the rows of a dataset are those of its digest, config by config.

Each shard is read once, batch by batch, with the same shard of the config `reasoning_content`
beside it; shards go to several processes. Memory holds 32 bytes and a uuid per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.dataset.checks import Check, Fault, some
from factory.parts import map_parts
from factory.shard.configs import (
    DEFAULT,
    FOLDERS,
    REASONING,
    REASONING_CONTENT,
    with_reasoning,
)
from factory.shard.content import digest_of_rows, row_digests
from factory.shard.description import Description
from factory.shard.layout import DATASET
from schemas.arrow import SAMPLE

_BATCH_ROWS: Final = 1024
_DIGEST_BYTES: Final = 32
_WORTH_BYTES: Final = 32_000_000
"""Shards of fewer bytes together are read sooner than processes start."""


@dataclass(frozen=True)
class ShardRows:
    """What one shard of the default config holds."""

    path: str
    bytes: int
    digests: bytes = b""
    """32 bytes per row."""
    uuids: list[str] = field(default_factory=list[str])
    first: tuple[str, str] = ("", "")
    """(problem_id, uuid) of the first row."""
    last: tuple[str, str] = ("", "")
    faults: list[Fault] = field(default_factory=list[Fault])
    beside: list[Fault] = field(default_factory=list[Fault])
    """Of the same rows in `reasoning_content`."""
    readable: bool = True


def check_rows(
    folder: Path, description: Description, workers: int, advance: Callable[[int], object]
) -> list[Check]:
    """Digest, order and uniqueness of the rows, and what `reasoning_content` makes of them.

    Args:
        advance: Told how many bytes of shards were read, now and then.
    """
    paths = [
        one.path
        for one in description.files
        if one.path.startswith(f"{FOLDERS[DEFAULT]}/") and (folder / one.path).is_file()
    ]
    work = partial(_read_shard, folder, REASONING_CONTENT in description.configs)
    shards: dict[int, ShardRows] = {}
    if sum((folder / path).stat().st_size for path in paths) < _WORTH_BYTES:
        workers = 1
    for number, shard in map_parts(work, paths, workers=workers):
        shards[number] = shard
        advance(shard.bytes)
    ordered = [shards[number] for number in sorted(shards)]
    checks = [_content(description, ordered), _order(ordered)]
    if REASONING_CONTENT in description.configs:
        faults = [fault for shard in ordered for fault in shard.beside]
        rows = sum(len(shard.uuids) for shard in ordered)
        looked_at = f"{rows:,} rows compared with those they are made from"
        checks.append(Check(name=REASONING_CONTENT, looked_at=looked_at, faults=faults))
    return checks


def _content(description: Description, shards: Sequence[ShardRows]) -> Check:
    faults = [fault for shard in shards for fault in shard.faults if not shard.readable]
    rows = sum(len(shard.digests) // _DIGEST_BYTES for shard in shards)
    if not faults:
        found = digest_of_rows(one for shard in shards for one in _split(shard.digests))
        if found != description.digest:
            faults.append(
                Fault(file=DATASET, expected=f"digest of rows {description.digest}", found=found)
            )
    if rows != description.rows and not faults:
        faults.append(Fault(file=DATASET, expected=f"{description.rows:,} rows", found=f"{rows:,}"))
    return Check(name="rows", looked_at=f"digest of {rows:,} rows", faults=faults)


def _split(digests: bytes) -> Iterator[bytes]:
    for start in range(0, len(digests), _DIGEST_BYTES):
        yield digests[start : start + _DIGEST_BYTES]


def _order(shards: Sequence[ShardRows]) -> Check:
    """Every uuid stands once, and rows are sorted by (problem_id, uuid)."""
    faults = [fault for shard in shards for fault in shard.faults if shard.readable]
    faults += [
        Fault(
            file=after.path,
            expected=f"rows after {'/'.join(before.last)}",
            found="/".join(after.first),
        )
        for before, after in pairwise([one for one in shards if one.uuids])
        if after.first < before.last
    ]
    seen: set[str] = set()
    twice: list[str] = []
    for shard in shards:
        before = len(seen) + len(twice)
        seen.update(shard.uuids)
        if len(seen) + len(twice) != before + len(shard.uuids):
            twice += _repeated(shards)
            break
    if twice:
        faults.append(Fault(file=FOLDERS[DEFAULT], expected="each uuid once", found=some(twice)))
    rows = sum(len(shard.uuids) for shard in shards)
    return Check(name="order", looked_at=f"{rows:,} uuids, each once, in order", faults=faults)


def _repeated(shards: Sequence[ShardRows]) -> list[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for shard in shards:
        for uuid in shard.uuids:
            (twice if uuid in seen else seen).add(uuid)
    return sorted(twice)


# ------------------------------------------------------------------------------ in other processes


def _read_shard(folder: Path, with_beside: bool, path: str) -> ShardRows:
    size = (folder / path).stat().st_size
    beside = FOLDERS[REASONING_CONTENT] + path.removeprefix(FOLDERS[DEFAULT])
    digests: list[bytes] = []
    uuids: list[str] = []
    first = last = ("", "")
    faults: list[Fault] = []
    other: list[Fault] = []
    pairs = _reader(folder / beside, other, beside) if with_beside else iter(())
    try:
        for batch in _batches(folder / path, SAMPLE):
            digests += row_digests(batch)
            ids = batch["uuid"].to_pylist()
            keys = list(zip(batch["problem_id"].to_pylist(), ids, strict=True))
            if keys and not faults and ((uuids and keys[0] < last) or keys != sorted(keys)):
                faults.append(_unsorted(path, [last, *keys] if uuids else keys))
            first, last = (first if uuids else keys[0]), keys[-1]
            uuids += ids
            shown = next(pairs, None)
            if with_beside and not other:
                other += _compare(batch, shown, beside)
    except (OSError, pa.ArrowInvalid, ValueError) as error:
        fault = Fault(file=path, expected="rows of a dataset", found=f"it cannot be read ({error})")
        return ShardRows(path, size, faults=[fault], readable=False)
    return ShardRows(path, size, b"".join(digests), uuids, first, last, faults, other)


def _reader(file: Path, faults: list[Fault], path: str) -> Iterator[pa.Table]:
    try:
        yield from _batches(file, REASONING)
    except (OSError, pa.ArrowInvalid, ValueError) as error:
        found = f"it cannot be read ({error})"
        faults.append(Fault(file=path, expected="the rows in another form", found=found))


def _batches(file: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(batch_size=_BATCH_ROWS):
            table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
            if not table.schema.equals(schema):
                raise ValueError(f"columns {table.schema.names} of other names or types")
            yield table


def _unsorted(path: str, keys: Iterable[tuple[str, str]]) -> Fault:
    before, after = next((one, two) for one, two in pairwise(keys) if two < one)
    return Fault(
        file=path,
        expected="rows sorted by problem_id and uuid",
        found=f"{'/'.join(after)} after {'/'.join(before)}",
    )


def _compare(samples: pa.Table, shown: pa.Table | None, path: str) -> list[Fault]:
    wanted = with_reasoning(samples)
    if shown is not None and shown.equals(wanted):
        return []
    if shown is None or shown.num_rows != wanted.num_rows:
        found = f"{shown.num_rows if shown is not None else 0} of {wanted.num_rows}"
        return [Fault(file=path, expected="a row for each row of data", found=found)]
    row = next(
        number
        for number in range(wanted.num_rows)
        if not shown.slice(number, 1).equals(wanted.slice(number, 1))
    )
    uuid = samples["uuid"][row].as_py()
    found = f"another for {uuid}, the first that differs"
    return [Fault(file=path, expected="each row as data has it", found=found)]
