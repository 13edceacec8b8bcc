"""Operations of a step against torch's own counter, and peaks by device name."""

from __future__ import annotations

from typing import Any

import pytest

from factory.train.flops import layer_matrices, peak_flops, training_flops, usual_flops

SHAPE: dict[str, Any] = {
    "vocab_size": 500,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@pytest.mark.parametrize("arch", ["qwen2", "qwen3", "llama"])
def test_the_operations_are_those_that_torch_counts(arch: str) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoConfig, AutoModelForCausalLM

    from factory.train.loss import Learner

    config = AutoConfig.for_model(
        arch, **SHAPE, **({"head_dim": 32} if arch == "qwen3" else {}), attn_implementation="eager"
    )
    learner = Learner(AutoModelForCausalLM.from_config(config).train())
    tokens, targets = 48, 17
    ids = torch.randint(0, 500, (1, tokens))
    labels = torch.full((1, tokens), -100)
    labels[0, -targets:] = ids[0, -targets:]
    with FlopCounterMode(display=False) as counted:
        learner(ids, labels, torch.arange(tokens)[None]).backward()
    # plain matrices compute every pair of tokens, also those that causality masks
    expected = training_flops(config, tokens=tokens, targets=targets, pairs=tokens**2)
    assert counted.get_total_flops() == expected


def test_as_others_count_it_is_six_n_and_full_attention() -> None:
    from transformers import Qwen2Config

    config = Qwen2Config(**SHAPE)
    matrices = 3 * (64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 160)
    assert layer_matrices(config) == matrices
    lengths = (10, 30)
    pairs = sum(n * (n + 1) // 2 for n in lengths)
    expected = 6 * (matrices + 500 * 64) * 40 + 12 * 3 * 64 * (10**2 + 30**2)
    assert usual_flops(config, tokens=40, pairs=pairs) == expected


@pytest.mark.parametrize(
    ("device", "precision", "tflops"),
    [
        ("NVIDIA A100-SXM4-80GB", "bfloat16", 312),
        ("NVIDIA A100-PCIE-40GB", "float32", 19.5),
        ("NVIDIA A10", "bfloat16", 125),
        ("NVIDIA A10G", "bfloat16", None),
        ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4),
        ("NVIDIA H100 PCIe", "bfloat16", 756),
        ("NVIDIA H100 NVL", "tensorfloat32", 417.5),
        ("NVIDIA H200", "bfloat16", 989.4),
        ("NVIDIA H200 NVL", "bfloat16", 835.5),
        ("NVIDIA GH200 480GB", "bfloat16", 989.4),
        ("NVIDIA B200", "bfloat16", 2250),
        ("NVIDIA GB200", "bfloat16", 2500),
        ("NVIDIA L40S", "bfloat16", 362),
        ("NVIDIA GeForce RTX 4090", "bfloat16", 165.2),
        ("NVIDIA GeForce RTX 4090 D", "bfloat16", None),
        ("NVIDIA GeForce RTX 3090 Ti", "bfloat16", None),
        ("AMD Instinct MI300X", "bfloat16", 1307.4),
        ("NVIDIA H200", "float16", None),
        ("Some other card", "bfloat16", None),
    ],
)
def test_the_peak_is_that_of_the_named_device(
    device: str, precision: str, tflops: float | None
) -> None:
    expected = None if tflops is None else pytest.approx(tflops * 1e12)
    assert peak_flops(device, precision) == expected
