"""Whether the rows of a dataset are those of its digest, config by config.

Each shard is read once, batch by batch, with the same shard of the config `reasoning_content`
beside it; shards go to several processes. Memory holds 32 bytes and a uuid per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from factory.dataset.checks import Check, Fault, some
from factory.dataset.shard_rows import ShardRows, read_shard
from factory.executor import HERE, Executor
from factory.parts import map_parts
from factory.shard.configs import (
    DEFAULT,
    FOLDERS,
    REASONING_CONTENT,
)
from factory.shard.content import digest_of_rows
from factory.shard.description import Description
from factory.shard.layout import DATASET

_DIGEST_BYTES: Final = 32
_WORTH_BYTES: Final = 32_000_000
"""Shards of fewer bytes together are read sooner than processes start."""


def check_rows(
    folder: Path, description: Description, executor: Executor, advance: Callable[[int], object]
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
    work = partial(read_shard, folder, REASONING_CONTENT in description.configs)
    shards: dict[int, ShardRows] = {}
    if sum((folder / path).stat().st_size for path in paths) < _WORTH_BYTES:
        executor = HERE
    for number, shard in map_parts(work, paths, executor=executor):
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
