"""What a training needs of memory and disk, from the base's configuration alone.

Parameters are counted on torch's meta device, so no weight is read; `factory.train.memory_parts`
has the formulas, and how far they are right.
"""

from __future__ import annotations

from typing import Any, Final

from factory.train.job import TrainingJob
from factory.train.memory_parts import activations, logits, states, weight_bytes
from schemas.row import Row

_RUNTIME_BYTES: Final = {"cpu": 600_000_000, "cuda": 1_500_000_000}
"""Python, torch and DeepSpeed of one rank in its host's memory."""
_CONTEXT_BYTES: Final = 1_000_000_000
"""CUDA's context, NCCL's and cuBLAS's buffers of one rank on its GPU."""


class Memory(Row):
    """What one rank needs, by kind, in bytes; and what is free."""

    gpu: dict[str, int]
    """On its GPU; empty on CPU."""
    host: dict[str, int]
    """In the memory of its host."""
    ranks_here: int
    """On one host."""
    gpu_free_bytes: int | None = None
    """Of the fullest GPU; None without one."""
    host_free_bytes: int

    @property
    def gpu_bytes(self) -> int:
        """What one rank needs of its GPU."""
        return sum(self.gpu.values())

    @property
    def host_bytes(self) -> int:
        """What all ranks of one host need of its memory."""
        return self.ranks_here * sum(self.host.values())


def count_parameters(config: Any) -> int:
    """Parameters of a model of this configuration; tied ones count once."""
    import torch
    import transformers

    with torch.device("meta"):
        model: Any = transformers.AutoModelForCausalLM.from_config(config)
    return sum(one.numel() for one in model.parameters())


def memory_of(
    job: TrainingJob,
    config: Any,
    parameters: int,
    *,
    rows: int,
    row_tokens: int,
    document_tokens: float,
    ranks_here: int,
) -> Memory:
    """What a training needs beside what is free here now.

    Args:
        rows: Of a micro-batch.
        row_tokens: Of a packed row.
        document_tokens: See `activations`.
        ranks_here: Of one host.
    """
    import psutil

    device, away = states(job, parameters)
    device["activations"] = activations(
        job, config, rows=rows, row_tokens=row_tokens, document_tokens=document_tokens
    )
    device["logits"] = logits(job, config, rows * row_tokens)
    host_free = int(psutil.virtual_memory().available)
    runtime = {"runtime": _RUNTIME_BYTES[job.device]}
    if job.device == "cpu":
        both = {name: device.get(name, 0) + away.get(name, 0) for name in {**device, **away}}
        return Memory(gpu={}, host=both | runtime, ranks_here=ranks_here, host_free_bytes=host_free)
    import torch

    free = min(int(torch.cuda.mem_get_info(gpu)[0]) for gpu in range(torch.cuda.device_count()))
    return Memory(
        gpu=device | {"runtime": _CONTEXT_BYTES},
        host={"base as rank 0 loads it": weight_bytes(job) * parameters // ranks_here}
        | away
        | runtime,
        ranks_here=ranks_here,
        gpu_free_bytes=free,
        host_free_bytes=host_free,
    )


def checkpoint_bytes(job: TrainingJob, parameters: int) -> int:
    """One checkpoint of all ranks: the model's weights, float32 weights, AdamW's two moments."""
    own = 0 if job.zero_stage == 0 else 4
    return parameters * (8 + own + (0 if job.zero_stage == 3 else weight_bytes(job)))


def export_bytes(job: TrainingJob, parameters: int) -> int:
    """The exported weights."""
    return parameters * weight_bytes(job)
