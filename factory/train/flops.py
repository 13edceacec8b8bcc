"""Operations of a training step, and the peak that they are compared with."""

from __future__ import annotations

from typing import Any


def training_flops(config: Any, *, tokens: int, targets: int, pairs: int) -> float:
    """Operations of forward and backward pass over so many tokens.

    Args:
        config: A transformers configuration.
        tokens: All tokens.
        targets: Those whose logits are computed.
        pairs: Pairs of tokens of which one attends to the other.
    """
    raise NotImplementedError


def peak_flops(device_name: str, precision: str) -> float | None:
    """Dense peak of one device in operations per second, by its name; None where not known."""
    raise NotImplementedError
