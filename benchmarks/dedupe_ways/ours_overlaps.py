"""`factory.overlap.benchmark_index`, as the stages ask it."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from work import answer

from factory.overlap.benchmark_index import BenchmarkIndex
from schemas.collect_settings import Overlap


def overlaps(work: dict[str, Any], documents: str, out: Path) -> dict[str, Any]:
    """Rows that overlap with an item; the index is built too, as the peers build theirs."""
    index = BenchmarkIndex(Overlap(words=work["span_words"]))
    for benchmark, items in groupby(work["items"], key=lambda item: item[0]):
        index.add(benchmark, [(item, text) for _, item, text in items])
    hits = index.find(pq.read_table(documents, columns=["text"])["text"])
    return {"rows": [row for row, hit in enumerate(hits) if hit is not None]}


if __name__ == "__main__":
    answer(overlaps)
