"""DeepSpeed's configuration from ours; that DeepSpeed takes it is shown in `tests/contract`."""

from __future__ import annotations

from typing import Any

import pytest

from factory.errors import TrainError
from factory.train.deepspeed_settings import deepspeed_config
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
