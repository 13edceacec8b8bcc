"""factory.train.memory: estimates beside what torch keeps, and beside what ranks hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.train.architecture import student_config
from factory.train.job import TrainingJob
from factory.train.memory import count_parameters, memory_of
from factory.train.memory_parts import activations, states

SHAPE: dict[str, Any] = {
    "vocab_size": 700,
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
}
TOKENS, DOCUMENT_TOKENS = 512, 128


def job_of(**changes: Any) -> TrainingJob:
    given: dict[str, Any] = {
        "tokens": ["none"], "base": "none", "out_dir": "none", "end_token_id": 0, "lr": 1.0,
    }  # fmt: skip
    return TrainingJob(**{**given, **changes})


def config_of(kind: str, layers: int, **changes: Any) -> Any:
    import transformers

    made: Any = {
        "qwen2": transformers.Qwen2Config,
        "qwen3": transformers.Qwen3Config,
        "llama": transformers.LlamaConfig,
    }[kind]
    return made(**{**SHAPE, "num_hidden_layers": layers, **changes})


def saved_bytes(job: TrainingJob, config: Any) -> int:
    """What a forward pass really keeps for its backward pass, parameters apart."""
    import torch
    import transformers

    from factory.train.attention import attention_of
    from factory.train.loss import Learner

    model: Any = transformers.AutoModelForCausalLM.from_config(
        config,
        dtype=torch.bfloat16 if job.precision == "bfloat16" else torch.float32,
        attn_implementation=attention_of(job, config),
    )
    if job.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    learner: Any = Learner(model.train())
    parameters = {one.untyped_storage().data_ptr() for one in learner.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(0, config.vocab_size, (1, TOKENS))
    positions = torch.arange(DOCUMENT_TOKENS).repeat(1, TOKENS // DOCUMENT_TOKENS)
    edges = torch.arange(0, TOKENS + 1, DOCUMENT_TOKENS, dtype=torch.int32)
    labels = ids.masked_fill(positions < DOCUMENT_TOKENS - 8, -100)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        learner(ids, labels, positions, edges, DOCUMENT_TOKENS)
    return sum(kept.values())


def estimated(job: TrainingJob, config: Any) -> int:
    return activations(job, config, rows=1, row_tokens=TOKENS, document_tokens=DOCUMENT_TOKENS)


@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "llama"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_a_layer_keeps_for_its_backward_pass_is_what_torch_saves(
    kind: str, precision: str, checkpointing: bool
) -> None:
    job = job_of(precision=precision, gradient_checkpointing=checkpointing)
    few, many = config_of(kind, 2), config_of(kind, 6)
    saved = saved_bytes(job, many) - saved_bytes(job, few)
    estimate = estimated(job, many) - estimated(job, few)
    assert estimate == pytest.approx(saved, rel=0.12)


def test_without_checkpointing_all_that_is_saved_is_in_the_estimate() -> None:
    job, config = job_of(), config_of("qwen2", 4)
    gradient = 4 * config.vocab_size * config.hidden_size  # of the output layer, by the loss
    assert estimated(job, config) + gradient == pytest.approx(saved_bytes(job, config), rel=0.15)


@pytest.mark.parametrize("tied", [False, True])
def test_parameters_are_counted_without_a_weight(tied: bool) -> None:
    import transformers

    config = config_of("qwen2", 2, tie_word_embeddings=tied)
    model: Any = transformers.AutoModelForCausalLM.from_config(config)
    assert count_parameters(config) == sum(one.numel() for one in model.parameters())


@pytest.mark.soak
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("zero_stage", [1, 2, 3])
@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_hold_at_most_about_what_is_estimated(
    tmp_path: Path, byte_tokenizer: Any, precision: str, zero_stage: int, ranks: int
) -> None:
    from factory.train.base import make_base
    from factory.train.launch import run_training
    from factory.train.tokens import write_tokens
    from schemas.train_settings import RandomBase
    from tests.unit.train.jobs import make_documents, make_job

    base = RandomBase(
        arch="qwen2", tokenizer="given", hidden_size=512, layers=10, heads=8, kv_heads=2,
        intermediate_size=1408,
    )  # fmt: skip
    make_base(base, byte_tokenizer, tmp_path / "base")
    write_tokens(tmp_path / "tokens.arrow", make_documents(24, 0))
    job = make_job(
        tmp_path / "tokens.arrow", tmp_path / "base", tmp_path / "out", ranks=ranks,
        precision=precision, zero_stage=zero_stage, micro_batch_tokens=256,
    )  # fmt: skip
    config = student_config(job)
    memory = memory_of(
        job, config, count_parameters(config), rows=1, row_tokens=256, document_tokens=64,
        ranks_here=ranks,
    )  # fmt: skip
    held = run_training(job).memory_bytes
    assert sum(memory.host.values()) == pytest.approx(held, rel=0.25)


def test_zero_shares_and_offloading_moves() -> None:
    by_stage = [
        sum(states(job_of(zero_stage=n, ranks=8), 7 * 10**9)[0].values()) for n in (1, 2, 3)
    ]
    assert by_stage == sorted(by_stage, reverse=True)
    kept, away = states(job_of(zero_stage=2, ranks=8, offload="optimizer"), 10**9)
    assert "optimizer" not in kept
    assert away["optimizer"] == states(job_of(zero_stage=2, ranks=8), 10**9)[0]["optimizer"]
    all_away = states(job_of(zero_stage=3, ranks=8, offload="all"), 10**9)[1]
    assert all_away["weights"] == 4 * 10**9 // 8
