"""Which bases are refused before anything is learned, by their configuration or by numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.errors import TrainError
from factory.train.architecture import (
    check_architecture,
    check_forward,
    check_model,
    student_config,
)
from factory.train.engine import load_base
from factory.train.job import TrainingJob
from factory.train.tokens import Document, TokenFiles, write_tokens
from tests.unit.train.jobs import make_job

SMALL: dict[str, Any] = {
    **{"vocab_size": 200, "hidden_size": 64, "intermediate_size": 96},
    **{"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1},
    **{"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "head_dim": 32},
}
LLAMA3: dict[str, Any] = {
    **{"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0},
    **{"high_freq_factor": 4.0, "original_max_position_embeddings": 64},
}


def _config(kind: str, **changes: Any) -> Any:
    import transformers

    entries = SMALL | changes
    return getattr(transformers, f"{kind}Config")(
        **{name: value for name, value in entries.items() if value is not None}
    )


def _model(kind: str, attention: str, **changes: Any) -> Any:
    import torch
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(
            _config(kind, **changes), attn_implementation=attention
        )
        with torch.no_grad():
            for one in model.parameters():
                one.mul_(5 if one.ndim > 1 else 1)  # attention that matters
    return model


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (
            "Gemma2",
            {},
            r"found final_logit_softcapping .* \(model_type gemma2\): our loss does not",
        ),
        ("Cohere", {}, "found logit_scale"),
        ("Granite", {"logits_scaling": 8.0}, "found logits_scaling"),
        ("Mixtral", {}, "expected a dense model, found num_.*experts .* balancing loss"),
        ("Qwen2Moe", {}, "expected a dense model, found num_experts"),
        ("GPT2", {}, "expected no dropout, found attn_pdrop .* set it to 0 in the base's config"),
        ("Llama", {"attention_dropout": 0.1}, "expected no dropout, found attention_dropout"),
        ("Mamba", {}, "found layer_types .* linear_attention may carry one document's state"),
        (
            "Llama",
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
            "found rope_type dynamic .* follow the longest row",
        ),
    ],
)
def test_an_architecture_is_refused_by_name(
    kind: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainError, match=message):
        check_architecture(_config(kind, **changes))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("Qwen2", {}),
        ("Qwen2", {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 0}),
        ("Qwen3", {}),
        ("Llama", {"rope_parameters": LLAMA3}),
        ("Mistral", {"sliding_window": 3}),
        ("Gemma3Text", {"sliding_window": 3}),
        ("Phi3", {}),
    ],
)
def test_packed_documents_get_the_logits_that_they_get_alone(
    kind: str, changes: dict[str, Any], attention: str
) -> None:
    model = _model(kind, attention, **changes)
    check_architecture(model.config)
    check_forward(model)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("Falcon", {"head_dim": None}),
        ("OPT", {"ffn_dim": 64, "word_embed_proj_dim": 64}),
        ("Gemma2", {"final_logit_softcapping": 0.1}),
    ],
)
def test_a_model_with_other_logits_when_packed_is_refused(
    kind: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(TrainError, match="of packed documents to be those of each alone, found"):
        check_forward(_model(kind, "eager", **changes))


@pytest.fixture
def job(tiny_base: Path, tmp_path: Path) -> TrainingJob:
    return make_job(tmp_path / "tokens.arrow", tiny_base, tmp_path / "out")


def _changed(job: TrainingJob, tmp_path: Path, **changes: Any) -> TrainingJob:
    """The job with a base whose configuration says something else; it has no weights."""
    folder = tmp_path / "changed"
    folder.mkdir()
    content = json.loads((Path(job.base) / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | changes))
    return job.model_copy(update={"base": str(folder)})


def test_a_rope_base_raises_the_positions(job: TrainingJob) -> None:
    import torch

    changed = job.model_copy(update={"rope_base": 5e5, "positions": 65536})
    config = student_config(changed)
    assert config.rope_parameters["rope_theta"] == 5e5
    assert config.max_position_embeddings == 65536
    model, _ = load_base(changed)
    assert model.config.rope_parameters["rope_theta"] == 5e5
    expected = 1.0 / (5e5 ** (torch.arange(0, 32, 2, dtype=torch.float32) / 32))
    assert torch.allclose(model.model.rotary_emb.inv_freq, expected)


def test_more_positions_without_a_rope_base_are_refused(job: TrainingJob) -> None:
    message = "positions: expected at most the base's 32768 without a rope_base, found 65536"
    with pytest.raises(TrainError, match=message):
        student_config(job.model_copy(update={"positions": 65536}))
    assert student_config(job.model_copy(update={"positions": 512})).max_position_embeddings == 512


@pytest.mark.parametrize(
    ("rope", "message"),
    [
        (LLAMA3, "found rope_type llama3"),
        ({"full_attention": {"rope_type": "default", "rope_theta": 1e4}}, "each kind of layer"),
    ],
)
def test_a_rope_base_for_a_scaled_rotary_embedding_is_refused(
    job: TrainingJob, tmp_path: Path, rope: dict[str, Any], message: str
) -> None:
    changed = _changed(job, tmp_path, rope_parameters=rope, layer_types=["full_attention"] * 2)
    with pytest.raises(TrainError, match=message):
        student_config(changed.model_copy(update={"rope_base": 5e5}))


def test_documents_and_tokens_must_fit_the_base(job: TrainingJob) -> None:
    write_tokens(Path(job.tokens[0]), [Document(np.zeros(600, dtype=np.int32), 1)])
    data = TokenFiles([Path(job.tokens[0])])
    config = student_config(job)
    check_model(config, data, config.vocab_size)
    with pytest.raises(TrainError, match="an embedding for each of the tokenizer's 1000 tokens"):
        check_model(config, data, 1000)
    short = student_config(job.model_copy(update={"positions": 512}))
    with pytest.raises(TrainError, match="at most 512, the student's positions, found a document"):
        check_model(short, data, config.vocab_size)


def test_a_base_that_is_none_is_named(job: TrainingJob, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="expected a causal model that transformers loads"):
        student_config(job.model_copy(update={"base": str(tmp_path)}))
    with pytest.raises(TrainError, match="expected a causal model that transformers loads"):
        load_base(_changed(job, tmp_path, model_type="unheard-of"))


def test_a_base_without_some_of_its_weights_is_refused(job: TrainingJob, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "part"
    shutil.copytree(job.base, folder)
    found = load_file(folder / "model.safetensors")
    del found["model.norm.weight"]
    found["model.layers.0.mlp.up_proj.weight"] = np.zeros((3, 3), dtype=np.float32)
    save_file(found, folder / "model.safetensors", metadata={"format": "pt"})
    message = r"found none that fit for model.layers.0.mlp.up_proj.weight, model.norm.weight \(2 in"
    with pytest.raises(TrainError, match=message):
        load_base(job.model_copy(update={"base": str(folder)}))


def test_in_bfloat16_parameters_are_cast_and_rotary_frequencies_are_not(job: TrainingJob) -> None:
    import torch

    model, _ = load_base(job.model_copy(update={"precision": "bfloat16"}))
    assert {one.dtype for one in model.parameters()} == {torch.bfloat16}
    assert {one.dtype for one in model.buffers()} == {torch.float32}


def test_only_rank_0_reads_the_weights(
    job: TrainingJob, byte_tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    from factory.train.base import make_base
    from schemas.train_settings import RandomBase

    shape = RandomBase(
        arch="qwen2", tokenizer="given", hidden_size=512, intermediate_size=4096, heads=4
    )
    make_base(shape, byte_tokenizer, tmp_path / "large")
    # in another precision than the file's, which is otherwise mapped and not read yet
    changes = {"base": str(tmp_path / "large"), "precision": "bfloat16"}
    large = job.model_copy(update=changes)
    held: dict[str, int] = {}
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        before = psutil.Process().memory_info().rss
        model, _ = load_base(large)
        held[rank] = psutil.Process().memory_info().rss - before
        size = 2 * sum(one.numel() for one in model.parameters())
        del model
    assert held["1"] < size / 4 < size / 2 < held["0"]
