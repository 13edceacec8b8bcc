"""What a model needs, by its size: assumptions for `retort plan`, none of them measured by Retort.

The size is read from the model's name (`Qwen2.5-Math-1.5B`); of models with experts the active
parameters decide the speed and all of them the memory. A model whose name says nothing is of
unknown size.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.row import Row

_BILLIONS: Final = re.compile(r"(?:^|[-_/.])(\d+(?:\.\d+)?)[bB](?:$|[-_.])")
_EXPERTS: Final = re.compile(r"(\d+(?:\.\d+)?)B-A(\d+(?:\.\d+)?)B", re.IGNORECASE)
_DEEPSEEK_671B: Final = re.compile(r"DeepSeek-(?:R1|V3)(?:$|-\d+$|-Zero$|\.1)", re.IGNORECASE)

TOKENS_PER_S: Final = (
    (2.0, 12_000.0),
    (4.0, 7_000.0),
    (9.0, 4_000.0),
    (15.0, 2_200.0),
    (40.0, 1_000.0),
    (80.0, 450.0),
)
"""(billions of active parameters up to, completion tokens per second and GPU): one 80 GB GPU of
2023, many long answers in flight, 16-bit weights. Round numbers, assumed."""
EXPERTS_TOKENS_PER_S: Final = 250.0
"""The same for a model of more than 300 billion parameters on eight GPUs or more."""
GPU_FLOPS: Final = 989e12
"""Peak of one H100 in BF16, dense, by its data sheet."""
TRAIN_UTILISATION: Final = 0.4
"""Share of the peak that training reaches: the aim of design, not a measurement."""
GPU_BYTES: Final = 80 * 10**9
TRAIN_BYTES_PER_PARAMETER: Final = 16
"""Weights and gradients in 16 bits, and in 32 bits a copy and the two moments of AdamW; activations
come on top. Over all GPUs, where ZeRO shares them out."""


class ModelSize(Row):
    """Parameters of a model."""

    parameters: float
    active: float
    bytes_per_parameter: float
    """Of the weights as they are published."""

    @property
    def weight_bytes(self) -> float:
        """On disk, and at least so much in the GPUs."""
        return self.parameters * self.bytes_per_parameter


def size_of(name: str) -> ModelSize | None:
    """The size that a model's name says; None where it says none."""
    if _DEEPSEEK_671B.search(name):
        return ModelSize(parameters=671e9, active=37e9, bytes_per_parameter=1.03)
    if found := _EXPERTS.search(name):
        total, active = (float(one) * 1e9 for one in found.groups())
        return ModelSize(parameters=total, active=active, bytes_per_parameter=2.0)
    if found := _BILLIONS.findall(name):
        count = float(found[-1]) * 1e9
        return ModelSize(parameters=count, active=count, bytes_per_parameter=2.0)
    return None


def assumed_tokens_per_s(name: str) -> float | None:
    """Completion tokens per second and GPU; None where nothing is assumed for such a model."""
    size = size_of(name)
    if size is None:
        return None
    if size.parameters > 300e9:
        return EXPERTS_TOKENS_PER_S
    for most_billions, speed in TOKENS_PER_S:
        if size.active <= most_billions * 1e9:
            return speed
    return None


def train_tokens_per_s(name: str, *, recomputes: bool) -> float | None:
    """Training tokens per second and GPU: 6 operations per parameter and token, 8 where
    activations are computed twice (gradient checkpointing); attention is not counted."""
    size = size_of(name)
    if size is None:
        return None
    operations = (8 if recomputes else 6) * size.active
    return GPU_FLOPS * TRAIN_UTILISATION / operations


def gpus_for(name: str) -> int | None:
    """GPUs of 80 GB whose memory the weights fill to seven tenths at most, a power of two: the rest
    is for the answers in flight."""
    size = size_of(name)
    if size is None:
        return None
    gpus = 1
    while gpus * GPU_BYTES * 0.7 < size.weight_bytes:
        gpus *= 2
    return gpus
