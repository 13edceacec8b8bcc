"""Packing: documents into rows of bounded length, best fit decreasing, and back again.

Positions restart with each document; together with no attention mask this is what transformers
reads as packed, so no document attends to another (proved in `tests/unit/train`). The first label
of each document is masked, since the token before it belongs to another one. Nothing is cut.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from factory.errors import TrainError
from factory.train.tokens import Document

IGNORED: Final = -100
"""Label of a token that is not learned (the default `ignore_index` of torch's cross-entropy)."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PackedRow:
    """Some documents one after the other; all arrays have the row's length."""

    numbers: tuple[int, ...]
    """Which documents, in their order in the row."""
    ids: Ints
    labels: Ints
    """The token itself where it is learned, else `IGNORED`; not shifted."""
    positions: Ints


def best_fit(lengths: Sequence[int] | Ints, capacity: int, seed: int) -> list[tuple[int, ...]]:
    """Rows of document numbers, each of at most `capacity` tokens, in a random order by seed.

    Best fit decreasing: the longest document first, each into the fullest row that still has
    room; equal lengths in an order drawn by seed. O(n log capacity).

    Raises:
        TrainError: A document is longer than `capacity`.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if len(sizes) and int(sizes.max()) > capacity:
        raise TrainError(
            f"packing: expected documents of at most {capacity} tokens, found {int(sizes.max())}; "
            f"raise train.max_length_tokens or leave the document out"
        )
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(sizes))
    order = drawn[np.argsort(-sizes[drawn], kind="stable")]
    rows: list[list[int]] = []
    rooms: list[int] = []  # the distinct amounts of room, ascending
    rows_with: dict[int, list[int]] = {}
    for number in order.tolist():
        size = int(sizes[number])
        at = bisect_left(rooms, size)
        if at == len(rooms):
            row, room = len(rows), capacity
            rows.append([])
        else:
            room = rooms[at]
            row = rows_with[room].pop()
            if not rows_with[room]:
                del rows_with[room]
                rooms.pop(at)
        rows[row].append(number)
        left = room - size
        if left:
            if left not in rows_with:
                rows_with[left] = []
                insort(rooms, left)
            rows_with[left].append(row)
    return [tuple(rows[row]) for row in rng.permutation(len(rows)).tolist()]


def join(numbers: Sequence[int], documents: Sequence[Document]) -> PackedRow:
    """One row of these documents in this order."""
    labels = [one.ids.astype(np.int64) for one in documents]
    for label, one in zip(labels, documents, strict=True):
        label[: max(1, one.prompt_tokens)] = IGNORED
    return PackedRow(
        numbers=tuple(numbers),
        ids=np.concatenate([one.ids for one in documents]).astype(np.int64),
        labels=np.concatenate(labels),
        positions=np.concatenate([np.arange(len(one.ids), dtype=np.int64) for one in documents]),
    )


def pack(documents: Sequence[Document], capacity: int, seed: int) -> list[PackedRow]:
    """All documents, packed into rows of at most `capacity` tokens."""
    plan = best_fit([len(one.ids) for one in documents], capacity, seed)
    return [join(numbers, [documents[number] for number in numbers]) for numbers in plan]


def unpack(rows: Sequence[PackedRow]) -> list[Document]:
    """The documents of packed rows, in the order of their numbers: the inverse of `pack`."""
    found: dict[int, Document] = {}
    for row in rows:
        starts = np.flatnonzero(row.positions == 0).tolist()
        for number, start, stop in zip(
            row.numbers, starts, [*starts[1:], len(row.ids)], strict=True
        ):
            learned = np.flatnonzero(row.labels[start:stop] != IGNORED)
            found[number] = Document(row.ids[start:stop].astype(np.int32), int(learned[0]))
    return [found[number] for number in sorted(found)]


def collate(rows: Sequence[PackedRow], pad_id: int) -> tuple[Ints, Ints, Ints]:
    """`(ids, labels, positions)` of shape [rows, longest row]; padding is masked and alone.

    Each padding token is at position 0, so it is a document of its own. No rows at all make one
    fully masked row, for a rank that has nothing to do in this micro-batch.
    """
    width = max((len(row.ids) for row in rows), default=2)
    ids = np.full((max(1, len(rows)), width), pad_id, dtype=np.int64)
    labels = np.full_like(ids, IGNORED)
    positions = np.zeros_like(ids)
    for at, row in enumerate(rows):
        stop = len(row.ids)
        ids[at, :stop], labels[at, :stop], positions[at, :stop] = row.ids, row.labels, row.positions
    return ids, labels, positions
