"""One shard of a dataset, read once, batch by batch: digests of its rows, their ids, and whether
the same shard of `reasoning_content` shows these rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.dataset.checks import Fault
from factory.shard.configs import DEFAULT, FOLDERS, REASONING, REASONING_CONTENT, with_reasoning
from factory.shard.content import row_digests
from schemas.arrow import SAMPLE

_BATCH_ROWS: Final = 1024


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


def read_shard(folder: Path, with_beside: bool, path: str) -> ShardRows:
    """The rows of one shard, and what is wrong with them; errors are faults.

    Args:
        with_beside: Whether the same shard of `reasoning_content` is read and compared.
        path: Of the shard, relative to the dataset's folder.
    """
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
