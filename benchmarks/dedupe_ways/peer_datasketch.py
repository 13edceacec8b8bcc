"""datasketch's MinHashLSH in its own environment, with an exact check of what it finds, or without.

As its guide has it: a set of runs of words, a `MinHash` of it (many at once by `generator`), and an
index that is asked before each document is put in. With `exact`, the pairs that the index gives are
compared by their sets of runs, as ours are; the texts are held for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash, MinHashLSH
from work import Union, answer


def dedupe(work: dict[str, Any], documents: str, out: Path) -> dict[str, Any]:
    """Labels of clusters; the kept documents are in `out/kept.parquet`."""
    table = pq.read_table(documents)
    texts = table["text"].to_pylist()
    length, bands, rows = work["words"], work["bands"], work["rows"]
    index = MinHashLSH(num_perm=bands * rows, params=(bands, rows))
    joined = Union(len(texts))
    shingles = (_shingles(text, length) for text in texts)
    for row, signature in enumerate(MinHash.generator(shingles, num_perm=bands * rows)):
        for other in index.query(signature):
            if not work["exact"] or _similar(texts[row], texts[other], length, work["threshold"]):
                joined.join(row, other)
        index.insert(row, signature)
    labels = joined.labels()
    kept = pa.array([label in (-1, row) for row, label in enumerate(labels)])
    out.mkdir(parents=True)
    pq.write_table(table.filter(kept), out / "kept.parquet", compression="zstd")
    return {"label": labels if len(labels) == work["count"] else []}


def _runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    found = text.lower().split()
    return zip(*(found[start:] for start in range(length)), strict=False)


def _shingles(text: str, length: int) -> list[bytes]:
    return [" ".join(run).encode() for run in set(_runs(text, length))]


def _similar(one: str, other: str, length: int, threshold: float) -> bool:
    first, second = set(_runs(one, length)), set(_runs(other, length))
    both = len(first & second)
    return both >= threshold * (len(first) + len(second) - both)


if __name__ == "__main__":
    answer(dedupe)
