"""The wanted rows of each part, cut into buckets: the first half of an external sort.

Each part of candidates is read once, and its wanted rows go into one Arrow file in the scratch
folder, one record batch for each bucket that they belong to. A bucket is what one part of the
output is made from. So memory holds the rows of one part at a time, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from factory.errors import ManifestMismatch
from factory.select.rows import Pair, read_pair

NEED: Final = pl.Schema(
    {
        "part": pl.Int32(),
        "row": pl.Int32(),
        "bucket": pl.Int32(),
        "place": pl.Int32(),
        "rejected": pl.Boolean(),
    }
)
"""A row of a part that a row of the output needs: `place` counts the rows of a bucket from 0;
`rejected` where it is the wrong one of two."""

_OF_CANDIDATE: Final = ["teacher", "text", "finish_reason", "completion_tokens", "rewrites"]
_OF_VERDICT: Final = ["method", "extracted", "detail", "passed", "total"]


@dataclass(frozen=True)
class Spill:
    """The wanted rows of one part."""

    pair: Pair
    needs: pl.DataFrame
    """Rows of `NEED`, of this part."""
    path: Path


@dataclass(frozen=True)
class Spilled:
    """Where the rows of one part are now: batch `n` of the file belongs to `buckets[n]`."""

    path: Path
    buckets: list[int]


def spill(one: Spill) -> Spilled:
    """Write the wanted rows of a part, bucket by bucket.

    Raises:
        ManifestMismatch, SchemaMismatch: A part is not whole.
    """
    candidates, verdicts = read_pair(one.pair)
    needs = one.needs.sort("bucket", "place", "rejected")
    rows = pa.array(needs["row"].to_numpy())
    found = candidates.select(_OF_CANDIDATE).take(rows)
    for name in _OF_VERDICT:
        found = found.append_column(name, verdicts[name].take(rows))
    for name in ("place", "rejected"):
        found = found.append_column(name, needs[name].to_arrow())
    found = found.combine_chunks()
    buckets = needs["bucket"].to_numpy()
    cuts = np.flatnonzero(np.diff(buckets, prepend=-1)).tolist()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with (
        pa.OSFile(str(one.path), "wb") as file,
        pa.ipc.new_file(file, found.schema, options=options) as writer,
    ):
        for start, end in zip(cuts, [*cuts[1:], len(buckets)], strict=True):
            [batch] = found.slice(start, end - start).to_batches()
            writer.write_batch(batch)
    return Spilled(one.path, [int(buckets[start]) for start in cuts])


def read_bucket(places: list[tuple[Path, int]]) -> tuple[pa.Table, pa.Table]:
    """The rows of a bucket, sorted by place: the accepted ones and the rejected ones.

    Args:
        places: Files and the numbers of the batches in them.

    Raises:
        ManifestMismatch: The scratch folder has been touched.
    """
    batches: list[pa.RecordBatch] = []
    for path, number in places:
        try:
            with pa.OSFile(str(path), "rb") as file, pa.ipc.open_file(file) as reader:
                batches.append(reader.get_batch(number))
        except (OSError, pa.ArrowInvalid) as error:
            raise ManifestMismatch(
                f"{path}: cannot be read ({error}); this file of a running stage was removed or "
                f"changed; run again, finished parts are kept"
            ) from error
    whole = pa.Table.from_batches(batches).combine_chunks()
    order = np.lexsort((whole["place"].to_numpy(), whole["rejected"].to_numpy()))
    whole = whole.take(pa.array(order))
    accepted = len(order) - int(np.count_nonzero(whole["rejected"].to_numpy()))
    return whole.slice(0, accepted), whole.slice(accepted)
