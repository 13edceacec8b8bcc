"""factory.overlap.near on real texts with planted edits: recall and precision by brute force."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np

from tests.unit.overlap.texts_compared import clusters_of, runs_of

EACH = 400
Pair = tuple[int, int]


def real_texts(data: Path) -> list[str]:
    """Solutions of people and of a model, of a hundred characters at least."""
    sources = {
        "gsm8k/train.jsonl": lambda row: [row["answer"]],
        "math/test.jsonl": lambda row: [row["solution"]],
        "generations/qwen2.5-math_cot.jsonl": lambda row: row["responses"],
    }
    texts: list[str] = []
    for name, taken in sources.items():
        found: list[str] = []
        with open(data / name, encoding="utf-8") as lines:
            for line in lines:
                found += [text for text in taken(json.loads(line)) if len(text) > 100]
                if len(found) >= EACH:
                    break
        texts += found[:EACH]
    return texts


def edited(text: str, edits: int, drawn: random.Random) -> str:
    words = text.split(" ")
    for _ in range(edits):
        place = drawn.randrange(len(words))
        words[place : place + 1] = drawn.choice([[], ["however"], [words[place], "so"]])
    return " ".join(words)


def near_pairs(texts: list[str], threshold: float) -> dict[Pair, float]:
    """Every pair of texts with at least this similarity, by counting what all pairs share."""
    runs = [runs_of(text, 5) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, some in enumerate(runs):
        for run in some:
            holders[run].append(row)
    shared: Counter[Pair] = Counter()
    for rows in holders.values():
        shared.update(combinations(rows, 2))
    similarity = {
        (one, other): count / (len(runs[one]) + len(runs[other]) - count)
        for (one, other), count in shared.items()
    }
    return {pair: value for pair, value in similarity.items() if value >= threshold}


def test_planted_and_natural_near_duplicates_of_real_texts_are_found(
    data: Path, tmp_path: Path
) -> None:
    drawn = random.Random(7)
    texts = real_texts(data)
    texts += [edited(text, drawn.choice([0, 1, 1, 2, 3, 5]), drawn) for text in texts]
    drawn.shuffle(texts)
    truth = near_pairs(texts, 0.8)
    clusters = clusters_of(texts, tmp_path)

    sure = [pair for pair, value in truth.items() if value >= 0.85]
    found = [one for one, other in sure if clusters.label[one] == clusters.label[other] >= 0]
    assert len(sure) > 500
    assert len(found) >= 0.99 * len(sure)

    best: dict[int, float] = defaultdict(float)
    for (one, other), value in truth.items():
        best[one], best[other] = max(best[one], value), max(best[other], value)
    together = np.flatnonzero(clusters.label >= 0).tolist()
    assert [row for row in together if clusters.similarity[row] > best[row] + 1e-12] == []
    assert all(clusters.similarity[row] >= 0.8 for row in together)
    exact = [row for row in together if abs(clusters.similarity[row] - best[row]) < 1e-12]
    assert len(exact) >= 0.99 * len(best)
