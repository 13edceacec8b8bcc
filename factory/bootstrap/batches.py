"""The documents of each step of learning from nothing, and the arrays of one forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from factory.train.pack import IGNORED, Ints
from factory.train.tokens import TokenFiles

_MICRO_TOKENS: Final = 2048
"""Padded tokens of one forward pass."""


def steps_of(lengths: Ints, batch_tokens: int, seed: int) -> list[list[int]]:
    """Every document once, in an order drawn by seed, in steps of about `batch_tokens`."""
    order = np.random.default_rng(seed).permutation(len(lengths))
    step_of = np.cumsum(lengths[order]) // batch_tokens
    edges = np.flatnonzero(np.diff(step_of)) + 1
    return [part.tolist() for part in np.split(order, edges)]


def micro_batches(
    data: TokenFiles, documents: list[int], pad_id: int
) -> Iterator[tuple[Ints, Ints, Ints]]:
    """`(ids, labels, positions)` of documents of similar length, one per row, padded at the end."""
    ordered = sorted(documents, key=lambda number: (int(data.lengths[number]), number))
    while ordered:
        width = int(data.lengths[ordered[-1]])
        rows = max(1, _MICRO_TOKENS // width)
        chosen, ordered = ordered[-rows:], ordered[:-rows]
        ids = np.full((len(chosen), width), pad_id, dtype=np.int64)
        labels = np.full_like(ids, IGNORED)
        for row, number in enumerate(chosen):
            document = data.document(number)
            ids[row, : len(document.ids)] = document.ids
            labels[row, document.prompt_tokens : len(document.ids)] = document.ids[
                document.prompt_tokens :
            ]
        yield ids, labels, np.tile(np.arange(width), (len(chosen), 1))
