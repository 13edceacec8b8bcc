"""How many near pairs MinHash finds, by similarity, on real texts with planted edits.

    python benchmarks/near_recall.py [--threshold 0.8] [--words 5] [--pairs 40000] [--json F]

Each pair is a real text (MATH and GSM8K solutions, responses of a model) and a copy in which words
were replaced, left out or put in, a few in a row at a time. The exact comparison is done on all
pairs; the table has, by similarity, how many of them share a band and so would be compared.
Needs the shared data (`RETORT_DATA`).
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa

from factory.overlap.near import pairs_within, sign
from factory.recipe_file import data_root
from schemas.shard_settings import NearDuplicates

STEP = 0.05


def real_texts() -> list[str]:
    """Solutions of people and of a model."""
    sources = {"gsm8k/train": "answer", "math/test": "solution"}
    texts: list[str] = []
    for name, field in {**sources, "generations/qwen2.5-math_cot": "responses"}.items():
        with open(data_root() / f"{name}.jsonl", encoding="utf-8") as lines:
            for line in lines:
                value = json.loads(line)[field]
                texts += [value] if isinstance(value, str) else value
    return texts


def edited(text: str, drawn: random.Random) -> str:
    """A copy with some edits, from one word to a fifth of all."""
    words = text.split(" ")
    for _ in range(drawn.randrange(1, 3 + len(words) // drawn.choice([5, 10, 20, 40]))):
        at = drawn.randrange(len(words) + 1)
        put_in = drawn.sample(words, min(drawn.randrange(3), len(words)))
        words[at : at + drawn.randrange(3)] = put_in
    return " ".join(words)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    near = NearDuplicates()
    parser.add_argument("--threshold", type=float, default=near.threshold)
    parser.add_argument("--words", type=int, default=near.words)
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    near = NearDuplicates(threshold=options.threshold, words=options.words)
    drawn = random.Random(11)
    originals = drawn.choices(real_texts(), k=options.pairs)
    copies = [edited(text, drawn) for text in originals]
    exact = pairs_within(
        pa.array([*originals, *copies]),
        np.tile(np.arange(options.pairs), 2),
        NearDuplicates(threshold=0.3, words=near.words),
    )
    met = (sign(pa.array(originals), near) == sign(pa.array(copies), near)).any(axis=1)
    rows = []
    for low in np.arange(0.5, 1.0, STEP).round(2).tolist():
        inside = exact.first[(exact.similarity >= low) & (exact.similarity < low + STEP)]
        rows.append({"from": low, "pairs": len(inside), "met": round(float(met[inside].mean()), 4)})
    print(f"{'similarity':>12} {'pairs':>8} {'share a band':>13}")
    for row in rows:
        print(f"{row['from']:>6.2f}–{row['from'] + STEP:.2f} {row['pairs']:>8} {row['met']:>13.4f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
