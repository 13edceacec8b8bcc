"""The evaluation loss: mean per target token over held-out documents, without gradients."""

from __future__ import annotations

from typing import Any

from factory.train.batches import Batches
from factory.train.plan import Plan, make_plan
from factory.train.tokens import TokenFiles


class Evaluation:
    """Held-out documents in packed rows, shared among the ranks.

    Every rank has as many micro-batches, because with ZeRO 3 each forward pass is of all ranks.
    """

    def __init__(
        self, data: TokenFiles, batches: Batches, *, rank: int, ranks: int, micro_batch_tokens: int
    ) -> None:
        self._batches = batches
        self._plan: Plan = make_plan(
            data.lengths,
            data.prompt_tokens,
            epochs=1,
            batch_tokens=int(data.lengths.sum()),
            seed=0,
        )
        rows_per_micro = self._plan.rows_per_micro(micro_batch_tokens)
        self._micros = [
            micro for step in self._plan.steps for micro in step.share(rank, ranks, rows_per_micro)
        ]
        self.targets = sum(step.targets for step in self._plan.steps)
        """Target tokens of all ranks."""

    def loss(self, engine: Any) -> float:
        """Mean loss per target token in nats; every rank calls it and gets the same."""
        import torch

        total = torch.zeros((), dtype=torch.float64, device=engine.device)
        engine.eval()
        with torch.no_grad():
            for batch in self._batches.of(iter(self._micros)):
                total += engine(*batch.inputs()).detach().double()
        engine.train()
        torch.distributed.all_reduce(total)
        return float(total.item()) / self.targets
