"""DeepSpeed's own configuration, from the recipe's and the machine's fields, or around a JSON file.

The loop owns accumulation, the batch and the optimizer: DeepSpeed sees steps of one micro-batch and
adds no scaling, the optimizer is torch's AdamW, also where its state lies in the CPU's memory, so
none of DeepSpeed's operators is compiled.
"""

from __future__ import annotations

from typing import Any, Final

from factory.errors import TrainError
from factory.train.job import TrainingJob
from schemas.train_settings import Train

_BUCKET_ELEMENTS: Final = 50_000_000

OWNED: Final = {
    "train_micro_batch_size_per_gpu": 1,
    "gradient_accumulation_steps": 1,
    "managed_gradient_accumulation": False,
    "zero_allow_untested_optimizer": True,
    "zero_force_ds_cpu_optimizer": False,
}
"""What the loop decides, whatever a file says. `train_batch_size` is the number of ranks."""


def deepspeed_config(train: Train | TrainingJob, *, ranks: int) -> dict[str, Any]:
    """The configuration that `deepspeed.initialize` takes.

    Args:
        train: A job; or a recipe's `[train]` without a DeepSpeed file, for a machine that offloads
            nothing.
        ranks: Of the training.

    Raises:
        TrainError: DeepSpeed has no such combination.
    """
    if isinstance(train, TrainingJob):
        offload, own, device = train.offload, train.deepspeed, train.device
    else:
        assert not train.deepspeed, "a job holds what the file says"
        offload, own, device = "none", {}, "cpu"
    _check(train.zero_stage, train.precision, offload)
    ours: dict[str, Any] = {
        "overlap_comm": False,
        "reduce_bucket_size": _BUCKET_ELEMENTS,
        "allgather_bucket_size": _BUCKET_ELEMENTS,
        **_offload(offload, pin_memory=device == "cuda"),
    }
    zero = own.get("zero_optimization", {}) if own else ours
    config: dict[str, Any] = {
        "steps_per_print": 2**31,
        "wall_clock_breakdown": False,
        **own,
        **OWNED,
        "train_batch_size": ranks,
        "gradient_clipping": train.clip_grad_norm,
        "zero_optimization": {**zero, "stage": train.zero_stage},
    }
    if train.zero_stage == 3:
        config["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] = True
    if train.precision == "bfloat16":
        config["bf16"] = {**own.get("bf16", {}), "enabled": True}
        config["data_types"] = {"grad_accum_dtype": "fp32"}
    return config


def _check(zero_stage: int, precision: str, offload: str) -> None:
    if zero_stage == 0 and precision == "bfloat16":
        raise TrainError(
            "train: zero_stage = 0 with precision = 'bfloat16': DeepSpeed cannot accumulate these "
            "gradients in float32; use zero_stage = 1, which costs no more"
        )
    if offload == "optimizer" and zero_stage == 0:
        raise TrainError(
            "training.offload = 'optimizer' with zero_stage = 0: expected ZeRO, which is what "
            "moves AdamW's state; set train.zero_stage = 1, 2 or 3, or offload = 'none'"
        )
    if offload == "all" and zero_stage != 3:
        raise TrainError(
            f"training.offload = 'all' with zero_stage = {zero_stage}: expected zero_stage = 3, "
            f"which alone can move parameters; set it, or offload = 'optimizer'"
        )


def _offload(offload: str, *, pin_memory: bool) -> dict[str, Any]:
    to = {"device": "cpu", "pin_memory": pin_memory}
    return {
        "none": {},
        "optimizer": {"offload_optimizer": to},
        "all": {"offload_optimizer": to, "offload_param": to},
    }[offload]
