"""Micro-batches of a rank, made by a thread while the one before is computed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from factory.train.pack import IGNORED, Ints, PackedRow, collate, join
from factory.train.tokens import TokenFiles

Rows = tuple[tuple[int, ...], ...]
"""Document numbers of each row of a micro-batch."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch. Shapes: B rows, T tokens of a row, D documents and paddings."""

    ids_bt: Any
    labels_bt: Any
    positions_bt: Any
    edges: Any = None
    """Where each document of the flattened row begins, and its end: int32 [D + 1]. None where the
    rows are not flattened."""
    longest: int = 0
    """Tokens of the longest document; with `edges`."""
    predicting_n: Any = None
    """Where in the flattened rows the next token is a target: int64 [N]."""

    def inputs(self) -> tuple[Any, ...]:
        """What the learner takes."""
        return (
            *(self.ids_bt, self.labels_bt, self.positions_bt),
            *(self.edges, self.longest, self.predicting_n),
        )


class Batches:
    """The micro-batches of one rank in the order of the plan.

    Args:
        flat: Rows one after the other, without padding, for attention that knows where documents
            begin (`factory.train.attention`); else a matrix of rows.
        device: Where they go.
    """

    def __init__(self, data: TokenFiles, *, pad_id: int, flat: bool, device: Any) -> None:
        self._data = data
        self._pad_id = pad_id
        self._flat = flat
        self._device = device
        self.waited_s = 0.0
        """How long the loop has waited for rows."""

    def of(self, micros: Iterator[Rows]) -> Iterator[Batch]:
        """A batch for each micro-batch, at most two made ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            ahead: list[Future[Batch]] = []
            for rows in micros:
                ahead.append(pool.submit(self._make, rows))
                if len(ahead) > 2:
                    yield self._wait(ahead.pop(0))
            while ahead:
                yield self._wait(ahead.pop(0))

    def _wait(self, made: Future[Batch]) -> Batch:
        begun = time.monotonic()
        batch = made.result()
        self.waited_s += time.monotonic() - begun
        return batch

    def _make(self, rows: Rows) -> Batch:
        packed = [join(row, [self._data.document(number) for number in row]) for row in rows]
        if self._flat:
            return self._flattened(packed)
        ids, labels, positions = collate(packed, self._pad_id)
        return Batch(
            *(self._there(one) for one in (ids, labels, positions)),
            predicting_n=self._there(_predicting(labels)),
        )

    def _flattened(self, packed: Sequence[PackedRow]) -> Batch:
        if not packed:  # a rank that has nothing to do in this micro-batch
            ids, labels, positions = collate([], self._pad_id)
        else:
            ids, labels, positions = (
                np.concatenate([getattr(row, name) for row in packed])[None]
                for name in ("ids", "labels", "positions")
            )
        edges = np.append(np.flatnonzero(positions[0] == 0), positions.shape[1]).astype(np.int32)
        longest = int(np.diff(edges).max())
        return Batch(
            self._there(ids),
            self._there(labels),
            self._there(positions),
            self._there(edges),
            longest,
            self._there(_predicting(labels)),
        )

    def _there(self, array: np.ndarray[Any, Any]) -> Any:
        tensor = torch.from_numpy(array)
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor


def _predicting(labels: Ints) -> Ints:
    """Where in the flattened rows [B, T] the next token is a target."""
    rows, columns = np.nonzero(labels[:, 1:] != IGNORED)
    return rows * labels.shape[1] + columns
