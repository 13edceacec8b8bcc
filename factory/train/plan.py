"""The plan of a training: which documents each optimizer step, rank and micro-batch sees.

It follows from the documents' lengths, the seed and the sizes alone, so every rank makes the same
one without talking, the number of target tokens of a step is known before it starts, and a
checkpoint needs only the number of the step to continue.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from factory.train.pack import Ints, best_fit

_LEAST_ROW_TOKENS: Final = 256
_MOST_ROW_TOKENS: Final = 2048
_ROWS_OF_STEP: Final = 8
_LONGEST_OF_ROW: Final = 4


def row_capacity(longest: int, batch_tokens: int) -> int:
    """Tokens of a packed row: those of the longest document or more, so that rows are full.

    Four of the longest documents fill their rows to 98% and more where one leaves gaps that no
    other document fits (GSM8K: 96%). But a step has at least eight rows to share out, and a row
    need not be longer than 2,048 tokens unless a document is.
    """
    roomy = min(_LONGEST_OF_ROW * longest, batch_tokens // _ROWS_OF_STEP, _MOST_ROW_TOKENS)
    return max(longest, _LEAST_ROW_TOKENS, roomy)


@dataclass(frozen=True)
class Step:
    """One optimizer step."""

    epoch: int
    rows: tuple[tuple[int, ...], ...]
    """Document numbers of each packed row."""
    tokens: int
    targets: int
    """Target tokens over all ranks: what the loss is divided by."""
    pairs: int = 0
    """Pairs of tokens of which one attends to the other: what attention costs."""

    def share(
        self, rank: int, ranks: int, rows_per_micro: int
    ) -> list[tuple[tuple[int, ...], ...]]:
        """The micro-batches of one rank: as many as any other rank has, some perhaps empty."""
        micros = max(1, math.ceil(len(self.rows) / (ranks * rows_per_micro)))
        slots = micros * ranks
        edges = [len(self.rows) * slot // slots for slot in range(slots + 1)]
        mine = [micro * ranks + rank for micro in range(micros)]
        return [self.rows[edges[slot] : edges[slot + 1]] for slot in mine]


@dataclass(frozen=True)
class Plan:
    """All optimizer steps of a training."""

    steps: tuple[Step, ...]
    row_tokens: int
    """Capacity of a packed row."""

    @property
    def efficiency(self) -> float:
        """Tokens over the capacity of the rows that hold them, in (0, 1]."""
        rows = sum(len(step.rows) for step in self.steps)
        return sum(step.tokens for step in self.steps) / (rows * self.row_tokens)

    def rows_per_micro(self, micro_batch_tokens: int) -> int:
        """Rows of a micro-batch that holds so many padded tokens, and at least one."""
        return max(1, micro_batch_tokens // self.row_tokens)

    def digest(self) -> str:
        """SHA-256 of every step's rows: equal digests mean the same data in the same order."""
        sha = hashlib.sha256(str(self.row_tokens).encode())
        for step in self.steps:
            sha.update(repr(step.rows).encode())
        return sha.hexdigest()


def attended_pairs(lengths: Ints) -> Ints:
    """For documents of these lengths, the pairs of tokens of which one attends to the other."""
    return lengths * (lengths + 1) // 2


def make_plan(
    lengths: Ints,
    prompt_tokens: Ints,
    *,
    epochs: int,
    batch_tokens: int,
    seed: int,
    packing: bool = True,
    row_tokens: int | None = None,
) -> Plan:
    """The plan for these documents; each epoch is packed and ordered anew.

    Args:
        lengths: Tokens of each document.
        prompt_tokens: Those of them that are only read.
        epochs: How often each document is seen.
        batch_tokens: Wanted tokens per optimizer step over all ranks. The rows of an epoch are
            shared evenly among its steps, so that no small step is left at its end.
        seed: Of the training.
        packing: False gives each document a row of its own.
        row_tokens: Capacity of a row; None: `row_capacity`.
    """
    longest = int(lengths.max())
    if row_tokens is None:
        row_tokens = row_capacity(longest, batch_tokens) if packing else longest
    targets = lengths - prompt_tokens
    pairs = attended_pairs(lengths)
    wanted = max(1, round(int(lengths.sum()) / batch_tokens))
    steps: list[Step] = []
    for epoch in range(epochs):
        drawn = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
        rows = best_fit(lengths, row_tokens, drawn) if packing else _alone(len(lengths), drawn)
        count = min(wanted, len(rows))
        edges = [len(rows) * step // count for step in range(count + 1)]
        for start, stop in pairwise(edges):
            chosen = tuple(rows[start:stop])
            numbers = [number for row in chosen for number in row]
            tokens, learned = int(lengths[numbers].sum()), int(targets[numbers].sum())
            steps.append(Step(epoch, chosen, tokens, learned, int(pairs[numbers].sum())))
    return Plan(tuple(steps), row_tokens)


def _alone(documents: int, seed: int) -> list[tuple[int, ...]]:
    return [(number,) for number in np.random.default_rng(seed).permutation(documents).tolist()]
