"""The gradient's norm, for every ZeRO stage."""

from __future__ import annotations

import math
from typing import Any


def tell_grad_norm(engine: Any) -> None:
    """Have `engine.get_global_grad_norm()` answer with ZeRO 0 too, where DeepSpeed keeps silent.

    The norm is of the reduced gradient before clipping, as with the other stages; called once,
    before the first step.
    """
    import torch

    if hasattr(engine.optimizer, "_global_grad_norm"):  # DeepSpeed's own optimizers tell it
        return
    limit = float(engine.gradient_clipping())

    def clip(*_: Any) -> None:
        norm = torch.nn.utils.clip_grad_norm_(engine.module.parameters(), limit or math.inf)
        engine._global_grad_norm = float(norm)

    if limit > 0:
        engine.clip_fp32_gradients = clip  # DeepSpeed calls it between reduction and update
    else:
        engine.optimizer.register_step_pre_hook(clip)
