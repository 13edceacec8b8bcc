"""Blocks: the completions of many candidates, as one piece of bytes.

A block is a record batch of Arrow in the columns of `STORED`, packed as a whole with zstd: texts
beside each other pack better than each alone, and what all of them repeat costs nearly nothing.
Once its candidates stand in parts it has the columns of `PLACED` instead.
Its sum (CRC-32) is kept beside it, so that a damaged block is noticed and not read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from factory.generate.identity import Completion, Identity
from schemas.arrow import CANDIDATE

_IDENTITY: Final = [one.name for one in fields(Identity)]
STORED: Final = pa.schema([CANDIDATE.field(name) for name in (*_IDENTITY, *Completion._fields)])
"""What a store holds of a candidate, beside its id."""
PLACED: Final = pa.schema(
    [pa.field("part", pa.int32(), nullable=False), pa.field("row", pa.int32(), nullable=False)]
)
"""What it holds where the candidate itself stands in a part (`settled`)."""

_TEXT_BYTES: Final = 512 * 1024
"""Of a block, before packing. Half of it would take 4% more, and read one candidate in half the
time, half a millisecond."""
_ZSTD: Final = pa.Codec("zstd", compression_level=1)
"""Most blocks are there only until they are settled; zstd-3 takes 8% less and packs slower."""


class Block(NamedTuple):
    """One block as it is stored."""

    rows: int
    content: bytes
    content_bytes: int
    """Before packing."""
    crc32: int
    """Of the packed content."""


def as_rows(identities: Sequence[Identity], completions: Sequence[Completion]) -> pa.RecordBatch:
    """Completions as rows of `STORED`. A text that is no valid Unicode has `?` where it is not."""
    values = [*zip(*map(attrgetter(*_IDENTITY), identities), strict=True)]
    values += zip(*completions, strict=True)
    text = STORED.get_field_index("text")
    values[text] = tuple(one.encode("utf-8", "replace") for one in values[text])
    return as_columns(values)


def as_columns(values: Sequence[Sequence[object]]) -> pa.RecordBatch:
    """The values of each column of `STORED`; texts as UTF-8."""
    arrays = [pa.array(one, field.type) for one, field in zip(values, STORED, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=STORED)


def packed(rows: pa.RecordBatch) -> Iterator[Block]:
    """Rows of `STORED` as blocks, in their order."""
    for begin, end in _divided(pc.call_function("binary_length", [rows["text"]]).to_pylist()):
        yield packed_whole(rows.slice(begin, end - begin))


def packed_whole(rows: pa.RecordBatch) -> Block:
    """All rows as one block."""
    plain = rows.serialize()
    content: bytes = _ZSTD.compress(plain, asbytes=True)
    return Block(rows.num_rows, content, plain.size, zlib.crc32(content))


def unpacked(
    content: bytes, content_bytes: int, crc32: int, columns: pa.Schema = STORED
) -> pa.RecordBatch:
    """The rows of a block.

    Raises:
        ValueError: The block is damaged.
    """
    if zlib.crc32(content) != crc32:
        raise ValueError("its bytes are not those that were written")
    plain = _ZSTD.decompress(content, decompressed_size=content_bytes)
    return pa.ipc.read_record_batch(plain, columns)


def _divided(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end: each is full with the row that fills it."""
    begun = filled = 0
    for at, size in enumerate(sizes):
        filled += size
        if filled >= _TEXT_BYTES:
            yield begun, at + 1
            begun, filled = at + 1, 0
    if begun < len(sizes):
        yield begun, len(sizes)
