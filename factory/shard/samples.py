"""The samples that are published, written shard by shard: the config `default`, and the same rows
with their reasoning in a field of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.digest import digest
from factory.executor import Executor
from factory.parts import map_parts
from factory.shard.configs import DEFAULT, FOLDERS, REASONING, REASONING_CONTENT, with_reasoning
from factory.shard.content import row_digests
from factory.shard.index import CONVERSATION
from factory.shard.layout import kept_shard, new_shard, remove_strays, shard_name, shard_sizes
from factory.shard.spans import Samples, Span, read_span
from factory.shown.progress import progress
from schemas.arrow import SAMPLE

SCHEMAS: Final = {DEFAULT: SAMPLE, REASONING_CONTENT: REASONING}
"""Config -> columns of its rows."""
_ROWS_AT_A_TIME: Final = 1024


@dataclass(frozen=True)
class _Shard:
    span: Span
    rows: pl.DataFrame
    """Those that are published: `row` (number in the order), `cluster_id`, `contamination`."""
    folder: Path
    name: str
    configs: Sequence[str]
    made_from: str


def write_samples(
    samples: Samples,
    decided: pl.DataFrame,
    *,
    configs: Sequence[str],
    shard_bytes: int,
    folder: Path,
    made_from: str,
    executor: Executor,
) -> tuple[list[tuple[str, int]], list[bytes]]:
    """Write the published rows in their order; shards that are there and valid are kept.

    Args:
        decided: As `factory.shard.clusters.decide` gives it: a row per sample, in their order.
        configs: Those of `SCHEMAS` that are wanted.
        folder: The dataset's.

    Returns:
        Path and rows of each file, and the digests of the rows of the default config.
    """
    kept = (
        decided.select("uuid", *CONVERSATION, "cluster_id", "contamination", "bytes", "reason")
        .with_row_index("row")
        .filter(pl.col("reason").is_null())
        .drop("reason")
    )
    sizes = shard_sizes(kept["bytes"], shard_bytes)
    shards: list[_Shard] = []
    start = 0
    for number, size in enumerate(sizes):
        rows = kept.slice(start, size)
        name = shard_name(number, len(sizes))
        bounds = (rows["row"][0], rows["row"][-1] + 1) if size else (0, 0)
        mark = digest([made_from, name, rows.drop("bytes").rows()])
        span = samples.span(*bounds)
        shards.append(
            _Shard(
                span, rows.select("row", "cluster_id", "contamination"), folder, name, configs, mark
            )
        )
        start += size
    digests: dict[int, bytes] = {}
    with progress("shard, written", kept.height, "rows") as bar:
        for position, found in map_parts(_write, shards, executor=executor):
            digests[position] = found
            bar.update(sizes[position])
    for config in configs:
        remove_strays(folder / FOLDERS[config], {shard.name for shard in shards})
    files = [
        (f"{FOLDERS[config]}/{shard.name}", size)
        for config in configs
        for shard, size in zip(shards, sizes, strict=True)
    ]
    whole = b"".join(digests[position] for position in sorted(digests))
    return files, [whole[at : at + 32] for at in range(0, len(whole), 32)]


# ------------------------------------------------------------------------------ in other processes


def _write(shard: _Shard) -> bytes:
    """The digests of its rows, joined."""
    folders = {config: shard.folder / FOLDERS[config] for config in shard.configs}
    missing = [
        config
        for config, folder in folders.items()
        if not kept_shard(folder, shard.name, shard.made_from)
    ]
    found: list[bytes] = []
    whole = DEFAULT not in missing
    tables = _read(folders[DEFAULT] / shard.name) if whole else _published(shard)
    with ExitStack() as stack:
        files = {
            config: stack.enter_context(
                new_shard(folders[config], shard.name, SCHEMAS[config], shard.made_from)
            )
            for config in missing
        }
        for table in tables:
            found += row_digests(table)
            for config, file in files.items():
                file.write(table if config == DEFAULT else with_reasoning(table))
    return b"".join(found)


def _read(file: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(_ROWS_AT_A_TIME):
            yield pa.Table.from_batches([batch]).replace_schema_metadata(None)


def _published(shard: _Shard) -> Iterator[pa.Table]:
    """The rows with what was found out about them, a part at a time."""
    first = shard.span.start
    for table in read_span(shard.span):
        stop = first + table.num_rows
        some = shard.rows.filter(pl.col("row").is_between(first, stop, closed="left"))
        at = (some["row"].cast(pl.Int64) - first).to_arrow()
        first = stop
        if not some.height:
            continue
        wanted = table if some.height == table.num_rows else table.take(at)
        for name, source in (("dedup_cluster_id", "cluster_id"), ("contamination",) * 2):
            column = cast("pa.Array", some[source].to_arrow()).cast(pa.string())
            number = wanted.schema.get_field_index(name)
            wanted = wanted.set_column(number, SAMPLE.field(name), column)
        yield wanted
