"""A plain Python set of n-grams: what one writes first to find texts that overlap with items."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from work import answer

WORD = re.compile(r"[^\W_]+")


def overlaps(work: dict[str, Any], documents: str, out: Path) -> dict[str, Any]:
    """Rows that share a run of words with an item; items that are shorter than a run are found
    where they are a whole text."""
    length = work["span_words"]
    runs: dict[str, str] = {}
    short: dict[str, str] = {}
    for benchmark, item, text in work["items"]:
        found = WORD.findall(text.lower())
        if len(found) < length:
            short[" ".join(found)] = f"{benchmark}/{item}"
        for start in range(len(found) - length + 1):
            runs[" ".join(found[start : start + length])] = f"{benchmark}/{item}"
    rows: list[int] = []
    for row, text in enumerate(pq.read_table(documents)["text"].to_pylist()):
        found = WORD.findall(text.lower())
        if (len(found) < length and " ".join(found) in short) or any(
            " ".join(found[start : start + length]) in runs
            for start in range(len(found) - length + 1)
        ):
            rows.append(row)
    return {"rows": rows}


if __name__ == "__main__":
    answer(overlaps)
