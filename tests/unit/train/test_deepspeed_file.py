"""A DeepSpeed JSON beside a recipe: what it decides, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.errors import RecipeError
from factory.train.deepspeed_file import deepspeed_fingerprint, read_deepspeed
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.job import TrainingJob
from schemas.train_settings import Student, Train
from tests.unit.train.jobs import make_job

OF_THE_TRAINER: dict[str, Any] = {
    "fp16": {"enabled": "auto", "loss_scale": 0, "initial_scale_power": 16},
    "bf16": {"enabled": True},
    "optimizer": {
        "type": "AdamW",
        "params": {"lr": "auto", "betas": [0.9, 0.95], "eps": "auto", "weight_decay": 0.1},
    },
    "zero_optimization": {
        "stage": 3,
        "offload_optimizer": {"device": "cpu", "pin_memory": True},
        "offload_param": {"device": "none"},
        "overlap_comm": True,
        "contiguous_gradients": True,
        "sub_group_size": 1e9,
        "reduce_bucket_size": "auto",
        "stage3_prefetch_bucket_size": "auto",
        "stage3_param_persistence_threshold": "auto",
        "stage3_gather_16bit_weights_on_model_save": True,
    },
    "gradient_accumulation_steps": "auto",
    "gradient_clipping": "auto",
    "steps_per_print": 2000,
    "train_batch_size": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "wall_clock_breakdown": False,
}
"""In the form that the Trainer's documentation gives."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    return tmp_path


def _train(folder: Path, content: Any, **fields: Any) -> Train:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "ds.json").write_text(text)
    student = Student(name="a", base="b", lr=1e-3)
    return Train(students=[student], deepspeed="${RETORT_DATA}/ds.json", **fields)


def _read(folder: Path, content: Any, *, offload: str = "none", **fields: Any) -> TrainingJob:
    train = _train(folder, content, **fields)
    same = {"weight_decay", "betas", "eps", "clip_grad_norm", "zero_stage", "precision"}
    job = make_job(
        folder / "t", folder / "b", folder, offload=offload, **train.model_dump(include=same)
    )
    return read_deepspeed(train, job)


def test_a_file_of_the_trainer_decides_zero_precision_clipping_and_adamw(folder: Path) -> None:
    from deepspeed.runtime.config import DeepSpeedConfig

    job = _read(folder, OF_THE_TRAINER, eps=1e-7)
    assert (job.zero_stage, job.precision, job.offload) == (3, "bfloat16", "optimizer")
    assert (job.betas, job.eps, job.weight_decay) == ((0.9, 0.95), 1e-7, 0.1)
    assert job.clip_grad_norm == 1.0
    config = deepspeed_config(job, ranks=1)
    assert "auto" not in json.dumps(config)
    assert config["zero_optimization"]["sub_group_size"] == 1e9
    assert "offload_param" not in config["zero_optimization"]
    assert "optimizer" not in config
    assert config["managed_gradient_accumulation"] is False
    assert config["gradient_clipping"] == 1.0
    assert config["steps_per_print"] == 2000
    DeepSpeedConfig(config)


def test_what_a_file_leaves_out_is_deepspeeds_default(folder: Path) -> None:
    job = _read(folder, {})
    assert (job.zero_stage, job.precision, job.clip_grad_norm) == (0, "float32", 0.0)
    assert deepspeed_config(job, ranks=1)["zero_optimization"] == {"stage": 0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"train_batch_size": 8}, 'train_batch_size: expected "auto", found 8; steps are counted'),
        ({"gradient_accumulation_steps": 2}, "set train.batch_tokens and the machine file's"),
        ({"scheduler": {"type": "WarmupLR"}}, "set train.schedule, train.warmup_ratio"),
        ({"fp16": {"enabled": True}}, "fp16.enabled: .* found True; use bf16"),
        ({"amp": {"enabled": True}}, "amp.enabled: .* found True; use bf16"),
        ({"bf16": {"enabled": True, "bf16_optimizer_states": True}}, "bf16.bf16_optimizer_states"),
        ({"bf16": True}, "bf16: expected an object, found True"),
        ({"optimizer": {"type": "Lion"}}, "optimizer.type: expected .* found 'Lion'; only AdamW"),
        ({"optimizer": {"type": "Adam", "params": {"lr": 2e-3}}}, "params.lr: .* found 0.002"),
        (
            {"optimizer": {"type": "Adam", "params": {"adam_w_mode": False}}},
            "adam_w_mode: .* found False; only AdamW",
        ),
        ({"optimizer": {"type": "Adam", "params": {"betas": [0.9]}}}, "expected two numbers"),
        ({"optimizer": {"type": "Adam", "params": {"eps": "x"}}}, "expected a number from 0"),
        ({"optimizer": {"type": "Adam", "params": {"max_grad_norm": 1}}}, "not covered"),
        ({"gradient_clipping": -1}, "gradient_clipping: expected a number from 0, found -1"),
        ({"gradient_allreduce_op": "sum"}, "the loop needs it so"),
        ({"managed_gradient_accumulation": True}, "the loop needs it so"),
        ({"zero_optimization": {"stage": 4}}, "stage: expected 0 or 1 or 2 or 3, found 4"),
        (
            {"zero_optimization": {"stage": 3, "offload_param": {"device": "nvme"}}},
            "offload_param.device: .* found 'nvme'; other devices",
        ),
        (
            {"zero_optimization": {"stage": 3, "zero_quantized_weights": True}},
            "zero_quantized_weights: it is not covered",
        ),
        (
            {"zero_optimization": {"stage": 1, "elastic_checkpoint": True}},
            "elastic_checkpoint: expected false, found True; DeepSpeed cannot load",
        ),
        (
            {"zero_optimization": {"stage": 2, "load_from_fp32_weights": False}},
            "load_from_fp32_weights: expected true, found False; else continuing rounds",
        ),
        (
            {"zero_optimization": {"stage": 1, "overlap_comm": True}},
            "overlap_comm: expected false or null, found True; DeepSpeed overlaps",
        ),
        ({"prescale_gradients": True}, "prescale_gradients: it is not covered; take it out"),
        ({"sparse_gradients": True}, "sparse_gradients: it is not covered; take it out"),
        ("{", "expected a JSON file, found"),
        ("[]", "expected an object, found"),
    ],
)
def test_what_the_loop_owns_or_nobody_proved_is_refused_by_name(
    folder: Path, content: Any, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        _read(folder, content)


def test_auto_is_the_recipes_own_value(folder: Path) -> None:
    left_open = {"bf16": {"enabled": "auto"}, "gradient_clipping": "auto"}
    plain = _read(folder, {**left_open, "zero_optimization": {"stage": 1}})
    assert (plain.precision, plain.clip_grad_norm) == ("float32", 1.0)
    assert deepspeed_config(plain, ranks=1)["bf16"] == {"enabled": False}
    set_by_recipe = _read(
        folder,
        {**left_open, "zero_optimization": {"stage": 1}},
        precision="bfloat16",
        clip_grad_norm=0.5,
    )
    assert (set_by_recipe.precision, set_by_recipe.clip_grad_norm) == ("bfloat16", 0.5)
    assert deepspeed_config(set_by_recipe, ranks=1)["bf16"] == {"enabled": True}
    for content, fields in (
        ({"bf16": {"enabled": True}}, {"precision": "bfloat16"}),
        ({}, {"precision": "bfloat16"}),
        ({"gradient_clipping": 2}, {"clip_grad_norm": 1.0}),
    ):
        with pytest.raises(RecipeError, match='write "auto" here, or take train'):
            _read(folder, content, **fields)


def test_nothing_is_decided_twice(folder: Path) -> None:
    adam = {"optimizer": {"type": "AdamW", "params": {"weight_decay": 0.1}}}
    with pytest.raises(RecipeError, match=r"the recipe sets train.weight_decay too"):
        _read(folder, adam, weight_decay=0.2)
    with pytest.raises(RecipeError, match=r"training.offload = 'optimizer': decided by the Deep"):
        _read(folder, {}, offload="optimizer")


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    train = _train(folder, {})
    (folder / "ds.json").unlink()
    with pytest.raises(RecipeError, match=r"train.deepspeed: expected a file or folder at .*ds.js"):
        deepspeed_fingerprint(train)


def test_the_fingerprint_is_of_what_the_file_says(folder: Path) -> None:
    first = deepspeed_fingerprint(_train(folder, '{"gradient_clipping": 1.0}'))
    assert first == deepspeed_fingerprint(_train(folder, '{ "gradient_clipping" :1.0 }\n'))
    assert first != deepspeed_fingerprint(_train(folder, {"gradient_clipping": 0.5}))
    assert deepspeed_fingerprint(Train(students=[Student(name="a", base="b", lr=1.0)])) == ""
