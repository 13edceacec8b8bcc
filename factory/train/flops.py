"""Operations of a training step, and the peak that they are compared with.

MFU (Chowdhery et al. 2022, PaLM, appendix B) is the model's own operations per second over the
device's dense peak. Here the model's own are those that its loss needs, and no more: the output
layer at target tokens only, attention only between tokens of one document, and nothing that
gradient checkpointing computes again. `usual_flops` is the same step as others count it.
"""

from __future__ import annotations

import re
from typing import Any, Final

_BACKWARD_AND_FORWARD: Final = 3
"""A backward pass costs two forward passes: one product for the inputs, one for the weights."""

_PEAK_TFLOPS: Final[tuple[tuple[str, dict[str, float]], ...]] = (  # the first match counts
    ("GB200", {"bfloat16": 2500, "tensorfloat32": 1250, "float32": 80}),
    ("B200", {"bfloat16": 2250, "tensorfloat32": 1125, "float32": 75}),
    ("GH200", {"bfloat16": 989.4, "tensorfloat32": 494.7, "float32": 66.9}),
    ("H200 NVL", {"bfloat16": 835.5, "tensorfloat32": 417.5, "float32": 60}),
    ("H200", {"bfloat16": 989.4, "tensorfloat32": 494.7, "float32": 66.9}),
    ("H100 NVL", {"bfloat16": 835.5, "tensorfloat32": 417.5, "float32": 60}),
    ("H100 PCIe", {"bfloat16": 756, "tensorfloat32": 378, "float32": 51.2}),
    ("H100", {"bfloat16": 989.4, "tensorfloat32": 494.7, "float32": 66.9}),
    ("A100", {"bfloat16": 312, "tensorfloat32": 156, "float32": 19.5}),
    ("L40S", {"bfloat16": 362, "tensorfloat32": 183, "float32": 91.6}),
    ("A40", {"bfloat16": 149.7, "tensorfloat32": 74.8, "float32": 37.4}),
    ("A10", {"bfloat16": 125, "tensorfloat32": 62.5, "float32": 31.2}),
    ("RTX 4090", {"bfloat16": 165.2, "tensorfloat32": 82.6, "float32": 82.6}),
    ("RTX 3090", {"bfloat16": 71, "tensorfloat32": 35.6, "float32": 35.6}),
    ("MI325X", {"bfloat16": 1307.4, "tensorfloat32": 653.7, "float32": 163.4}),
    ("MI300X", {"bfloat16": 1307.4, "tensorfloat32": 653.7, "float32": 163.4}),
)


def training_flops(config: Any, *, tokens: int, targets: int, pairs: int) -> float:
    """Operations of forward and backward pass over so many tokens; a multiply-add is two.

    Counted are the products of matrices: the projections and gated MLP of each layer, attention,
    and the output layer. Norms, biases, rotary embedding and softmax are not (together well under
    a percent). Equal to what torch's `FlopCounterMode` counts (`tests/unit/train/test_flops.py`).

    Args:
        config: A transformers configuration of a dense model of the Qwen2, Qwen3 or Llama kind; a
            mixture of experts would be counted wrongly.
        tokens: All tokens.
        targets: Those whose logits are computed.
        pairs: Pairs of tokens of which one attends to the other, n(n + 1)/2 in a document of n.
    """
    head = config.get_text_config().vocab_size * config.get_text_config().hidden_size
    forward = 2.0 * (tokens * layer_matrices(config) + targets * head)
    return _BACKWARD_AND_FORWARD * (forward + pairs * _pair_flops(config))


def usual_flops(config: Any, *, tokens: int, pairs: int) -> float:
    """The same step as published MFUs count it: 6N + 12·L·H·Q·T per token.

    N are the weights of all matrices but the input embedding, so the output layer counts at every
    token (here only targets need it), and attention counts as if tokens also saw what comes after
    them (PaLM; torchtitan and nanoGPT do the same). T is the document's length, not the row's.
    """
    head = config.get_text_config().vocab_size * config.get_text_config().hidden_size
    squares = 2 * pairs - tokens  # sum of n² over documents of n tokens
    forward = 2.0 * tokens * (layer_matrices(config) + head) + squares * _pair_flops(config)
    return _BACKWARD_AND_FORWARD * forward


def layer_matrices(config: Any) -> int:
    """Weights in the matrices of all layers, without embedding and output layer."""
    text = config.get_text_config()
    hidden, heads, head_dim = text.hidden_size, text.num_attention_heads, _head_dim(config)
    key_values = getattr(text, "num_key_value_heads", None) or heads
    attention = hidden * head_dim * (2 * heads + 2 * key_values)
    return text.num_hidden_layers * (attention + 3 * hidden * text.intermediate_size)


def _pair_flops(config: Any) -> float:
    """Forward operations of one pair of tokens in all layers: its score, and its value's share."""
    text = config.get_text_config()
    return 4.0 * text.num_hidden_layers * text.num_attention_heads * _head_dim(config)


def _head_dim(config: Any) -> int:
    text = config.get_text_config()
    return getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads


def peak_flops(device_name: str, precision: str) -> float | None:
    """Dense peak of one device in operations per second, by its name; None where not known.

    Sources are the makers' data sheets and architecture papers (NVIDIA A100, A10, A40, L40S, H100,
    H200, HGX B200, GB200; GA102 and Ada GPU architecture, bfloat16 with float32 accumulation; AMD
    Instinct MI300X, MI325X). Where they print figures with sparsity, half of it stands here.

    Args:
        device_name: As `torch.cuda.get_device_name` gives it.
        precision: `bfloat16`, `float32` (what torch computes unless told otherwise), or
            `tensorfloat32` (where `torch.backends.cuda.matmul.allow_tf32` is set).
    """
    for name, peaks in _PEAK_TFLOPS:
        # whole words only: an "A10G", a "4090 D" or a "3090 Ti" is another card
        if re.search(rf"(?<!\w){name}(?!\w| D\b| Ti\b)", device_name):
            found = peaks.get(precision)
            return None if found is None else found * 1e12
    return None
