"""Documents for `benchmarks/dedupe.py`, with near duplicates and overlaps planted among them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from .pieces import Item, Pieces, pieces
from .spans import Change, disguised, long_enough
from .texts import Lengths, drawn, mean_chars, nearly, text_of, wrapped

LENGTHS: Final = Lengths(median_chars=1_350, sigma=0.87)
"""About 97 MB in 50,000 documents."""
SPAN_WORDS: Final = 13
_NEAR_SHARE: Final = 0.06
_EXACT_SHARE: Final = 0.01
_MOST_CHANGED: Final = 0.16
"""Pieces exchanged of a near duplicate: Jaccard from 1 down to about 0.7."""
_CONTAMINATED_SHARE: Final = 0.03


@dataclass(frozen=True)
class Documents:
    """Where the documents lie, and what was planted."""

    jsonl: Path
    parquet: Path
    bytes: int
    """Of the texts."""
    pairs: list[tuple[int, int]]
    """Row of a document, and of its near or exact duplicate."""
    overlaps: dict[int, Overlap]
    """Row of a document with words of a benchmark -> which."""


@dataclass(frozen=True)
class Overlap:
    """What was put into a document."""

    item: Item
    change: Change


def write_documents(folder: Path, count: int, *, seed: int = 0) -> Documents:
    """`documents.jsonl` and `documents.parquet` with `id` and `text`, the same rows in both."""
    rng = Random(f"documents {seed} {count}")
    texts, pairs = _with_duplicates(rng, pieces(), count)
    overlaps = dict(_overlaps(rng, pieces(), texts, {row for pair in pairs for row in pair}))
    ids = [f"document-{number:06d}" for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    jsonl, parquet = folder / "documents.jsonl", folder / "documents.parquet"
    with open(jsonl, "w", encoding="utf-8") as file:
        for name, text in zip(ids, texts, strict=True):
            file.write(json.dumps({"id": name, "text": text}) + "\n")
    pq.write_table(pa.table({"id": ids, "text": texts}), parquet, compression="zstd")
    size = sum(len(text.encode()) for text in texts)
    return Documents(jsonl, parquet, size, pairs, overlaps)


def _with_duplicates(
    rng: Random, real: Pieces, count: int
) -> tuple[list[str], list[tuple[int, int]]]:
    mean = mean_chars(real.traces)
    copies = [("near", round(_NEAR_SHARE * count)), ("exact", round(_EXACT_SHARE * count))]
    originals = count - sum(number for _, number in copies)
    parts = [drawn(rng, real.traces, LENGTHS, mean) for _ in range(originals)]
    made: list[tuple[str, int]] = [(text_of(one), -1) for one in parts]
    for kind, number in copies:
        for of in rng.sample(range(originals), number):
            if kind == "near":
                share = rng.uniform(0, _MOST_CHANGED)
                copy = text_of(nearly(rng, parts[of], real.traces, share))
            else:
                copy = wrapped(rng, made[of][0])
            made.append((copy, of))
    order = rng.sample(range(count), count)
    row_of = {old: row for row, old in enumerate(order)}
    pairs = [(row_of[of], row_of[old]) for old, (_, of) in enumerate(made) if of >= 0]
    return [made[old][0] for old in order], pairs


def _overlaps(
    rng: Random, real: Pieces, texts: list[str], taken: set[int]
) -> Iterator[tuple[int, Overlap]]:
    """Puts spans into documents that have no duplicate, and says which."""
    items = [one for one in real.items if long_enough(one.text, SPAN_WORDS)]
    free = [row for row in range(len(texts)) if row not in taken]
    number = min(len(free), round(_CONTAMINATED_SHARE * len(texts)))
    for place, row in enumerate(rng.sample(free, number)):
        change = list(Change)[place % len(Change)]
        item = rng.choice(items)
        before, _, after = texts[row].partition("\n")
        texts[row] = f"{before}\n{disguised(rng, item.text, SPAN_WORDS, change)}\n{after}"
        yield row, Overlap(item, change)
