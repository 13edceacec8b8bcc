"""What a training needs of memory and disk, from the base's configuration alone.

Parameters are counted on torch's meta device, so no weight is read. Covered: Qwen2, Qwen3 and
Llama, and what is built like them. Not covered: what the allocator loses between pieces, and what
other processes take; it is an estimate.
"""

from __future__ import annotations

from typing import Any, Final

from factory.train.attention import attention_of
from factory.train.job import TrainingJob
from schemas.row import Row

_CHUNK_LOGITS: Final = {"cpu": 1 << 22, "cuda": 1 << 26}
"""Logits that `factory.train.loss` holds at a time."""
_RUNTIME_BYTES: Final = {"cpu": 600_000_000, "cuda": 1_500_000_000}
"""Python, torch and DeepSpeed of one rank in the host's memory."""
_CONTEXT_BYTES: Final = 1_000_000_000
"""CUDA's context, NCCL's and cuBLAS's buffers of one rank on its GPU."""
_LIVE_PARAMETERS: Final = 1_000_000_000
"""Gathered at a time with ZeRO 3 (DeepSpeed's `stage3_max_live_parameters`)."""


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


def states(job: TrainingJob, parameters: int) -> tuple[dict[str, int], dict[str, int]]:
    """Weights, gradients and AdamW's state of one rank in bytes: on its device, and offloaded.

    Rajbhandari et al. 2020, ZeRO, section 3.1: 2 + 2 + 12 bytes per parameter in mixed precision,
    of which stage 1 shares the 12 among the ranks, stage 2 the gradients too, and stage 3 the
    weights too. Here gradients are accumulated in float32, so they take 4 for 2; and from stage 1
    on DeepSpeed keeps its own float32 weights beside the model's, also where these are float32.
    """
    size = 2 if job.precision == "bfloat16" else 4
    share = 1 / job.ranks
    weights = size * parameters * (share if job.zero_stage == 3 else 1)
    if job.zero_stage == 3:
        weights += size * min(parameters, _LIVE_PARAMETERS)
    gradients = 4 * parameters * (share if job.zero_stage >= 2 else 1)
    optimizer = 8 * parameters * (share if job.zero_stage >= 1 else 1)
    if job.zero_stage >= 1:
        optimizer += 4 * parameters * share
    device = {"weights": round(weights), "gradients": round(gradients)}
    away: dict[str, int] = {}
    (device if job.offload == "none" else away)["optimizer"] = round(optimizer)
    if job.offload == "all":
        away["weights"] = round(size * parameters * share)
        device["weights"] -= away["weights"]
    return device, away


def activations(job: TrainingJob, config: Any, *, rows: int, row_tokens: int) -> int:
    """What one micro-batch leaves for its backward pass, in bytes.

    Counted as Korthikanti et al. 2022 (Reducing Activation Recomputation) count it, for a block
    with two RMS norms, grouped queries and a gated MLP: each tensor that a backward pass reads.
    With gradient checkpointing a layer leaves its input, and one layer at a time the rest.
    """
    text = config.get_text_config()
    size = 2 if job.precision == "bfloat16" else 4
    tokens = rows * row_tokens
    hidden, inner = text.hidden_size, text.intermediate_size
    heads = text.num_attention_heads
    queries = heads * (getattr(text, "head_dim", None) or hidden // heads)
    norms = 2 * hidden * (4 + 2 * size)
    layer = norms + size * (5 * queries + 4 * inner)
    if attention_of(job) == "eager":
        layer += heads * row_tokens * (4 if size == 4 else 6)
    working = layer + size * (2 * inner + 4 * hidden)
    if job.gradient_checkpointing:
        kept = text.num_hidden_layers * size * hidden
    else:
        kept = (text.num_hidden_layers - 1) * layer
    return tokens * (kept + working + hidden * (4 + 3 * size))


def logits(job: TrainingJob, config: Any, targets: int) -> int:
    """A chunk of logits, as the model gives them, in float32, and its gradient, in bytes."""
    size = 2 if job.precision == "bfloat16" else 4
    vocabulary = config.get_text_config().vocab_size
    return min(_CHUNK_LOGITS[job.device], targets * vocabulary) * (2 * size + 4)


def memory_of(
    job: TrainingJob, config: Any, parameters: int, *, rows: int, row_tokens: int, ranks_here: int
) -> Memory:
    """What a training needs beside what is free here now.

    Args:
        rows: Of a micro-batch.
        row_tokens: Of a packed row.
        ranks_here: Of one host.
    """
    import psutil

    device, away = states(job, parameters)
    device["activations"] = activations(job, config, rows=rows, row_tokens=row_tokens)
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
        host={"base as it is loaded": 4 * parameters} | away | runtime,
        ranks_here=ranks_here,
        gpu_free_bytes=free,
        host_free_bytes=host_free,
    )


def checkpoint_bytes(job: TrainingJob, parameters: int) -> int:
    """One checkpoint of all ranks: the model's weights, float32 weights, AdamW's two moments."""
    size = 2 if job.precision == "bfloat16" else 4
    own = 0 if job.zero_stage == 0 else 4
    return parameters * (8 + own + (0 if job.zero_stage == 3 else size))


def export_bytes(job: TrainingJob, parameters: int) -> int:
    """The exported weights."""
    return parameters * (2 if job.precision == "bfloat16" else 4)
