"""DeepSpeed's configuration from ours; that DeepSpeed takes it is shown in `tests/contract`."""

from __future__ import annotations

from typing import Any

import pytest

from factory.errors import TrainError
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.job import TrainingJob
from schemas.train_settings import Student, Train


def make_train(**changes: Any) -> Train:
    return Train(students=[Student(name="a", base="embedded:base-qwen2", lr=1e-4)], **changes)


@pytest.mark.parametrize("zero_stage", [0, 1, 2, 3])
def test_the_loop_owns_accumulation_and_deepspeed_scales_nothing(zero_stage: int) -> None:
    config = deepspeed_config(make_train(zero_stage=zero_stage, clip_grad_norm=0.5), ranks=4)
    assert config["managed_gradient_accumulation"] is False
    assert config["gradient_accumulation_steps"] == 1
    assert config["train_batch_size"] == 4
    assert config["gradient_clipping"] == 0.5
    assert config["zero_optimization"]["stage"] == zero_stage
    assert "bf16" not in config


def test_bfloat16_accumulates_in_float32() -> None:
    config = deepspeed_config(make_train(precision="bfloat16"), ranks=1)
    assert config["bf16"] == {"enabled": True}
    assert config["data_types"] == {"grad_accum_dtype": "fp32"}


def test_bfloat16_without_zero_is_refused_by_name() -> None:
    with pytest.raises(TrainError, match=r"zero_stage = 0 with precision .* use zero_stage = 1"):
        deepspeed_config(make_train(zero_stage=0, precision="bfloat16"), ranks=1)


def make_offloading(offload: str, zero_stage: int, **changes: Any) -> TrainingJob:
    return TrainingJob(
        tokens=["t"], base="b", out_dir="o", end_token_id=0, lr=1e-4,
        offload=offload, zero_stage=zero_stage, **changes,
    )  # fmt: skip


def test_offloading_moves_adamw_or_the_parameters_too() -> None:
    zero = deepspeed_config(make_offloading("optimizer", 1), ranks=1)["zero_optimization"]
    assert zero["offload_optimizer"] == {"device": "cpu", "pin_memory": False}
    assert "offload_param" not in zero
    config = deepspeed_config(make_offloading("all", 3, device="cuda"), ranks=1)
    zero = config["zero_optimization"]
    assert (
        zero["offload_param"] == zero["offload_optimizer"] == {"device": "cpu", "pin_memory": True}
    )
    assert config["zero_force_ds_cpu_optimizer"] is False  # which would be compiled


@pytest.mark.parametrize(
    ("offload", "zero_stage", "message"),
    [
        ("optimizer", 0, "'optimizer' with zero_stage = 0: .* set train.zero_stage = 1, 2 or 3"),
        ("all", 0, "'all' with zero_stage = 0: expected zero_stage = 3"),
        ("all", 2, "'all' with zero_stage = 2: .* set it, or offload = 'optimizer'"),
    ],
)
def test_offloading_without_sense_is_refused_by_name(
    offload: str, zero_stage: int, message: str
) -> None:
    with pytest.raises(TrainError, match=message):
        deepspeed_config(make_offloading(offload, zero_stage), ranks=1)
