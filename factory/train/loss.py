"""The loss: summed over target tokens, divided by all of them in the step, in chunks.

Shapes: B rows, T tokens of a row, H hidden, N target tokens of the micro-batch, V vocabulary.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from factory.train.attention import documents
from factory.train.pack import IGNORED

_CHUNK_LOGITS: Final = 1 << 26
"""Logits held at a time: 256 MiB in float32."""
_CHUNK_LOGITS_CPU: Final = 1 << 22
"""On CPU 16 MiB, which the allocator keeps: twice as fast as 256 MiB, which it maps anew."""


class Learner(nn.Module):
    """A causal model that gives the sum of its token losses instead of logits."""

    def __init__(self, model: Any, *, kernel: Literal["chunked", "liger"] = "chunked") -> None:
        super().__init__()
        self.model = model
        self.kernel = kernel

    def forward(
        self,
        ids_bt: Tensor,
        labels_bt: Tensor,
        positions_bt: Tensor,
        edges: Tensor | None = None,
        longest: int = 0,
    ) -> Tensor:
        """Sum of the cross-entropies at the target tokens: a scalar in float32, in nats.

        No attention mask and no cache, so that restarting positions separate the documents. The
        output layer sees only the positions before a target, a chunk at a time; more than one
        chunk is computed again in the backward pass, so only one chunk of logits exists.
        """
        given = {} if edges is None else documents(edges, longest, self.model.dtype)
        hidden_bth = self.model.base_model(
            input_ids=ids_bt,
            position_ids=positions_bt,
            attention_mask=None,
            use_cache=False,
            **given,
        ).last_hidden_state
        labels_n = labels_bt[:, 1:].flatten()
        kept = labels_n != IGNORED
        labels_n = labels_n[kept]
        hidden_nh = hidden_bth[:, :-1].flatten(0, 1)[kept]
        on_cpu = hidden_nh.device.type == "cpu"
        logits = _CHUNK_LOGITS_CPU if on_cpu else _CHUNK_LOGITS
        chunk = max(1, logits // self.model.config.vocab_size)
        if len(labels_n) <= chunk:
            return self._sum(hidden_nh, labels_n)
        parts = [
            checkpoint(self._sum, hidden_ch, labels_c, use_reentrant=False)
            for hidden_ch, labels_c in zip(
                hidden_nh.split(chunk), labels_n.split(chunk), strict=True
            )
        ]
        return torch.stack(parts).sum()

    def _sum(self, hidden_ch: Tensor, labels_c: Tensor) -> Tensor:
        logits_cv = self.model.get_output_embeddings()(hidden_ch).float()
        return functional.cross_entropy(logits_cv, labels_c, reduction="sum")


def step_share(loss_sum: Tensor, targets: int, ranks: int) -> Tensor:
    """A micro-batch's share of the step's loss, to go backward from.

    `targets` counts the target tokens of the whole step over all ranks and micro-batches. The
    reduction averages over the ranks, which `ranks` undoes; so the summed gradient is that of the
    mean loss per target token, however the step is cut into ranks and micro-batches.
    """
    return loss_sum * (ranks / targets)
