"""The pieces of memory that a rank holds, by formulas that were measured.

Covered: Qwen2, Qwen3 and Llama, and what is built like them. Not covered: memory that a GPU's
allocator loses between pieces, and what other processes take; it is an estimate.

Bytes per parameter by which a rank on CPU grew at its peak in three steps, and the estimate: a
Qwen2 of 28.7M parameters, 256 tokens per micro-batch, torch 2.13, DeepSpeed 0.19.8.

    ranks x ZeRO   1x0   2x0   1x1   2x1   1x2   2x2   1x3   2x3
    float32       28.0  27.8  37.1  31.4  36.7  29.2  43.1  39.7
      estimate    28.1  28.1  36.1  32.1  36.1  30.1  44.1  36.1
    bfloat16                  34.1  28.1  35.0  25.8  42.8  29.7
      estimate                32.8  28.8  32.8  26.8  38.8  31.8

With 2,048 tokens it was 78.3 where 64.8 were estimated (float32, one rank, ZeRO 2), with gradient
checkpointing 47.3 and 39.3; in bfloat16 57.9 and 52.1, 35.4 and 34.4. What a GPU takes follows
from the same figures, without the C library's part, and has not been measured.
"""

from __future__ import annotations

from typing import Any, Final

from factory.train.attention import attention_of, is_flat
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.job import TrainingJob

_DEEPSPEED_BUCKET: Final = 500_000_000
"""Elements of a message where a DeepSpeed file does not say it (`reduce_bucket_size`)."""
_LIVE_PARAMETERS: Final = 1_000_000_000
"""Gathered at a time with ZeRO 3 (DeepSpeed's `stage3_max_live_parameters`)."""
_NORMS_OF_HEADS: Final = frozenset({"qwen3"})
"""Model types that normalise queries and keys."""


def states(job: TrainingJob, parameters: int) -> tuple[dict[str, int], dict[str, int]]:
    """Weights, gradients, AdamW's state and buffers of one rank in bytes: on its device, and what
    is offloaded to its host.

    Rajbhandari et al. 2020, ZeRO, section 3.1: 2 + 2 + 12 bytes per parameter in mixed precision,
    of which stage 1 shares the 12 among the ranks, stage 2 the gradients too, and stage 3 the
    weights too. What DeepSpeed 0.19 allocates differs: from stage 1 on it holds float32 weights of
    its own, also where the model's are float32; gradients are accumulated in float32, in each
    rank's share beside the whole ones (stage 1) or the newest ones (stages 2 and 3).
    """
    size, stage, share = weight_bytes(job), job.zero_stage, 1 / job.ranks
    weights = size * parameters * (share if stage == 3 else 1)
    gathered = size * min(parameters, _LIVE_PARAMETERS) if stage == 3 else 0
    gradients = {0: 4.0, 1: 4 + 4 * share}.get(stage, 8 * share) * parameters
    optimizer = 12 * share * parameters if stage else 8 * parameters
    device = {
        "weights": weights + gathered,
        "gradients": gradients,
        "optimizer": optimizer,
        "buffers": _buffers(job, parameters),
    }
    away: dict[str, float] = {}
    if job.offload != "none":
        away["optimizer"] = device.pop("optimizer")
        away["gradients"] = min(gradients, 4 * share * parameters)
        device["gradients"] -= away["gradients"]
    if job.offload == "all":
        away["weights"] = weights
        device["weights"] = gathered
    return _whole(device), _whole(away)


def _buffers(job: TrainingJob, parameters: int) -> float:
    """Of gradients on their way to other ranks; on CPU also what the C library's allocator keeps
    of gradients that are gone, about as much as all of them."""
    zero = deepspeed_config(job, ranks=job.ranks)["zero_optimization"]
    bucket = int(zero.get("reduce_bucket_size", _DEEPSPEED_BUCKET))
    copies = 1 if job.ranks == 1 or job.zero_stage == 0 else 2
    if job.zero_stage == 3:
        copies += 1
    if job.device == "cuda":
        return 4.0 * copies * bucket
    return 4.0 * copies * min(bucket, parameters) + 4 * parameters


def activations(
    job: TrainingJob, config: Any, *, rows: int, row_tokens: int, document_tokens: float = 0
) -> int:
    """What one micro-batch leaves for its backward pass, in bytes.

    Counted as Korthikanti et al. 2022 (Reducing Activation Recomputation) count it, for a block
    with two RMS norms, grouped queries and a gated MLP: each tensor that a backward pass reads.
    With gradient checkpointing a layer leaves its input, and one layer at a time the rest.

    Args:
        document_tokens: Of the document that a token is in, in the mean over all tokens; where
            documents are attended to by plain matrices (`factory.train.attention`), each token
            leaves a score for each token of its document.
    """
    text = config.get_text_config()
    size, tokens = weight_bytes(job), rows * row_tokens
    hidden, inner = text.hidden_size, text.intermediate_size
    layer = 2 * hidden * (4 + 2 * size) + 4 * inner * size
    layer += _attention(job, config, row_tokens, document_tokens)
    working = layer + size * (2 * inner + 4 * hidden)
    if job.gradient_checkpointing:
        kept = text.num_hidden_layers * size * hidden
    else:
        kept = (text.num_hidden_layers - 1) * layer
    return round(tokens * (kept + working + hidden * (4 + 3 * size)))


def _attention(job: TrainingJob, config: Any, row_tokens: int, document_tokens: float) -> float:
    """Bytes that the attention of one layer leaves per token."""
    text = config.get_text_config()
    size, heads = weight_bytes(job), text.num_attention_heads
    head = getattr(text, "head_dim", None) or text.hidden_size // heads
    queries, keys = heads * head, text.num_key_value_heads * head
    attention = attention_of(job, config)
    if attention == "eager":
        found = size * 5 * queries + heads * row_tokens * (4 if size == 4 else 6)
    elif not is_flat(attention):
        found = size * 5 * queries
    elif job.device == "cpu" and size == 2:
        found = size * (5 * queries + heads * document_tokens)
    else:
        found = size * (3 * queries + 2 * keys)
    if text.model_type in _NORMS_OF_HEADS:
        found += (queries + keys) * (4 + size)
    return found


def logits(job: TrainingJob, config: Any, targets: int) -> int:
    """What the loss holds, in bytes: a chunk of logits as the model gives them and in float32, and
    the output layer's gradient in float32 and in the model's precision (`factory.train.loss`)."""
    from factory.train.loss import CHUNK_LOGITS

    size, text = weight_bytes(job), config.get_text_config()
    chunk = min(CHUNK_LOGITS[job.device], targets * text.vocab_size)
    weight = text.vocab_size * text.hidden_size
    return chunk * (size + 4) + weight * (4 if size == 4 else 6)


def weight_bytes(job: TrainingJob) -> int:
    """Bytes of a weight that the model computes with."""
    return 2 if job.precision == "bfloat16" else 4


def _whole(parts: dict[str, float]) -> dict[str, int]:
    return {what: round(size) for what, size in parts.items()}
