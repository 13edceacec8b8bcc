"""DeepSpeed's own configuration, from ours."""

from __future__ import annotations

from typing import Any, Final, Protocol

from factory.errors import TrainError
from factory.train.job import TrainingJob
from schemas.train_settings import Train

_BUCKET_ELEMENTS: Final = 50_000_000


class Wanted(Protocol):
    """What decides the configuration: a recipe's `[train]` and a training job both have it."""

    @property
    def zero_stage(self) -> int: ...
    @property
    def precision(self) -> str: ...
    @property
    def clip_grad_norm(self) -> float: ...


def deepspeed_config(train: Wanted, *, ranks: int) -> dict[str, Any]:
    """The configuration that `deepspeed.initialize` takes.

    The loop owns accumulation and the batch: DeepSpeed sees steps of one micro-batch and adds no
    scaling (`managed_gradient_accumulation`); the optimizer is ours, plain AdamW.

    Raises:
        TrainError: DeepSpeed has no such combination.
    """
    if train.zero_stage == 0 and train.precision == "bfloat16":
        raise TrainError(
            "train: zero_stage = 0 with precision = 'bfloat16': DeepSpeed cannot accumulate these "
            "gradients in float32; use zero_stage = 1, which costs no more"
        )
    config: dict[str, Any] = {
        "train_batch_size": ranks,
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "managed_gradient_accumulation": False,
        "gradient_clipping": train.clip_grad_norm,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "zero_optimization": {
            "stage": train.zero_stage,
            "overlap_comm": False,
            "reduce_bucket_size": _BUCKET_ELEMENTS,
            "allgather_bucket_size": _BUCKET_ELEMENTS,
        },
        "steps_per_print": 2**31,
        "wall_clock_breakdown": False,
    }
    if train.zero_stage == 3:
        config["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] = True
    if train.precision == "bfloat16":
        config["bf16"] = {"enabled": True}
        config["data_types"] = {"grad_accum_dtype": "fp32"}
    return config


def read_deepspeed(train: Train, job: TrainingJob) -> TrainingJob:
    """The job as the recipe's DeepSpeed JSON decides it.

    Raises:
        RecipeError: It is not there, not JSON, or sets what only the loop may decide.
    """
    raise NotImplementedError
