"""The index of samples: one small row each, with all that decides what is published.

Workers read the texts span by span, once, and write a part of the index for each; afterwards no
text is held. Parts that are there and valid are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.digest import digest
from factory.executor import Executor
from factory.overlap.mapped_bands import let_go, mapped_bands
from factory.parts import kept_part, map_parts, part_name, write_part
from factory.shard.contamination import find_overlaps
from factory.shard.duplicates import conversation_digest
from factory.shard.spans import Samples, Span, numbered, read_span
from factory.shard.texts import Turns, join_texts, lengths, row_sizes, turns_of
from factory.shown.progress import progress
from schemas.arrow import SAMPLE
from schemas.shard_settings import NearDuplicates

_COPIED: Final = (
    "uuid",
    "problem_id",
    "source",
    "domain",
    "license",
    "generation_model",
    "pass_rate",
    "num_tokens",
    "form",
)
_READ: Final = (*_COPIED, "problem", "answer", "messages", "verification_info")
_FOUND: Final = ("grader", "method")
_FEW: Final = ("source", "domain", "license", "generation_model", "form", *_FOUND, "benchmark")
"""Columns with few values, of which memory holds numbers."""
CONVERSATION: Final = ("conversation_high", "conversation_low")
"""The digest that exact duplicates share, as two numbers."""
_BANDS: Final = "bands"
INDEX: Final = pa.schema(
    [
        *(SAMPLE.field(name) for name in _COPIED),
        pa.field("grader", pa.string()),
        pa.field("method", pa.string()),
        pa.field("chars", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        *(pa.field(name, pa.uint64(), nullable=False) for name in CONVERSATION),
        pa.field("benchmark", pa.string()),
        pa.field("contamination", pa.string()),
    ]
)
"""`chars` is the length of the completion, `bytes` that of all texts; `contamination` the evidence
as JSON, null where there is none. In memory `_FEW` are categorical."""

_PAIR: Final = pa.schema(
    [
        pa.field("first", pa.int64(), nullable=False),
        pa.field("second", pa.int64(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Looking:
    """What is looked for in the texts."""

    near: NearDuplicates | None
    """None: no near duplicates."""
    benchmarks: Path | None
    """What `factory.shard.contamination.save_benchmarks` wrote; None: no overlaps."""


@dataclass(frozen=True)
class Indexed:
    """The whole index, in the order of the samples."""

    rows: pl.DataFrame
    """Columns of `INDEX`."""
    bands: NDArray[np.uint64]
    """Rows × bands, mapped from a file; no bands where near duplicates were not looked for."""
    pairs: pl.DataFrame
    """Near duplicates of one problem: `first`, `second` (numbers of rows), `similarity`."""


@dataclass(frozen=True)
class _Item:
    span: Span
    number: int
    folder: Path
    looking: Looking
    made_from: str


def index_samples(
    samples: Samples, looking: Looking, *, folder: Path, made_from: str, executor: Executor
) -> Indexed:
    """The index of all samples.

    Args:
        folder: Where its parts are written.
        made_from: Digest of all that decides the content of the parts.

    Raises:
        ManifestMismatch: A part of the samples cannot be read.
    """
    spans = samples.by_problem()
    items = [
        _Item(span, number, folder, looking, digest([made_from, number, span.start, span.stop]))
        for number, span in enumerate(spans)
    ]
    with progress("shard, looked at", samples.rows, "rows") as bar:
        for position, _ in map_parts(_index_span, items, executor=executor):
            bar.update(spans[position].stop - spans[position].start)
    return _load(items, folder)


def _load(items: Sequence[_Item], folder: Path) -> Indexed:
    frames = [_narrow(INDEX.empty_table())]
    pairs = [cast("pl.DataFrame", pl.from_arrow(_PAIR.empty_table()))]
    bands: NDArray[np.uint64] | None = None
    rows = items[-1].span.stop if items else 0
    for item in items:
        table = pq.read_table(item.folder / part_name("index", item.number))
        frames.append(_narrow(table.select(INDEX.names)))
        pairs.append(pl.read_parquet(item.folder / part_name("pairs", item.number)))
        if _BANDS in table.column_names:
            column: Any = table[_BANDS].combine_chunks()
            some = column.flatten().to_numpy().reshape(table.num_rows, -1)
            if bands is None:
                bands = mapped_bands(folder, rows, some.shape[1])
            bands[item.span.start : item.span.stop] = some
            let_go(bands)
    none = np.empty((rows, 0), dtype=np.uint64)
    return Indexed(pl.concat(frames), none if bands is None else bands, pl.concat(pairs))


def _narrow(table: pa.Table) -> pl.DataFrame:
    frame = cast("pl.DataFrame", pl.from_arrow(table))
    return frame.with_columns(pl.col(_FEW).cast(pl.Categorical))


# ------------------------------------------------------------------------------ in other processes


def _index_span(item: _Item) -> None:
    names = [part_name(kind, item.number) for kind in ("pairs", "index")]
    if all(kept_part(item.folder, name, made_from=item.made_from) for name in names):
        return
    table = pa.concat_tables(read_span(item.span, _READ))
    turns = turns_of(table["messages"])
    completions = turns.content.take(pa.array(turns.last))
    pairs = _PAIR.empty_table()
    problems = numbered(pl.Series(table["problem_id"]))
    hits = find_overlaps(table, turns, problems, item.looking.benchmarks)
    columns = {
        **_columns(table, turns, completions),
        "benchmark": pa.array([hit and hit.benchmark for hit in hits], pa.string()),
        "contamination": pa.array([hit and hit.evidence() for hit in hits], pa.string()),
    }
    index = pa.table([columns[name] for name in INDEX.names], schema=INDEX)
    if item.looking.near is not None:
        from factory.overlap.near import pairs_within, sign

        bands = sign(join_texts(table["problem"], completions), item.looking.near)
        flat = pa.array(bands.reshape(-1))
        index = index.append_column(_BANDS, pa.FixedSizeListArray.from_arrays(flat, bands.shape[1]))
        found = pairs_within(completions, problems, item.looking.near)
        numbers = [found.first + item.span.start, found.second + item.span.start]
        pairs = pa.table([*numbers, found.similarity], schema=_PAIR)
    for name, rows in zip(names, (pairs, index), strict=True):
        write_part(item.folder, name, rows, made_from=item.made_from)


def _columns(table: pa.Table, turns: Turns, completions: pa.Array) -> dict[str, Any]:
    verified = pl.DataFrame({"info": pl.Series(table["verification_info"])}).select(
        pl.col("info").str.json_path_match(f"$.{name}").alias(name) for name in _FOUND
    )
    chars = lengths(completions, "chars")
    sizes = row_sizes(table.select(["problem", "answer", "messages"]))
    return {
        **{name: table[name] for name in _COPIED},
        **{name: verified[name].to_arrow().cast(pa.string()) for name in _FOUND},
        "chars": chars,
        "bytes": sizes,
        **dict(zip(CONVERSATION, _conversations(turns).T, strict=True)),
    }


def _conversations(turns: Turns) -> NDArray[np.uint64]:
    """Rows × the two numbers."""
    texts = turns.content.to_pylist()
    bounds = turns.offsets.tolist()
    digests = [conversation_digest(texts[start:stop]) for start, stop in pairwise(bounds)]
    numbers = np.frombuffer(bytes.fromhex("".join(digests)), dtype=">u8")
    return numbers.astype(np.uint64).reshape(-1, 2)
