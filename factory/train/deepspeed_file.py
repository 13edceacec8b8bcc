"""A DeepSpeed JSON, as people have it for the Hugging Face Trainer, beside a recipe.

It decides ZeRO, precision, clipping and offloading, and AdamW's numbers where it names them. What
the loop decides (batches, accumulation, learning rate) must be left out or be "auto". "auto" means
the recipe's own value where the recipe has one, else DeepSpeed's default. What is not known to
leave the loss and the steps as they are is refused by name.
"""

from __future__ import annotations

from typing import Any, Final

from factory.digest import digest
from factory.errors import RecipeError
from factory.train.deepspeed_json import AUTO, Said, read_json, without_auto
from factory.train.job import TrainingJob
from schemas.train_settings import Train

_BATCHES: Final = (
    *("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps"),
)
_MUST_BE: Final[dict[str, Any]] = {
    "managed_gradient_accumulation": False,
    "gradient_allreduce_op": "mean",
    "data_types": {"grad_accum_dtype": "fp32"},
}
_DROPPED: Final = frozenset({"zero_allow_untested_optimizer", "zero_force_ds_cpu_optimizer", "aio"})
"""Without an effect on what we do, or set by us."""
_PASSED_ON: Final = frozenset(
    {
        *("steps_per_print", "wall_clock_breakdown", "memory_breakdown", "dump_state"),
        *("comms_logger", "flops_profiler", "activation_checkpointing"),
    }
)
_OFF: Final = ("fp16", "amp", "torch_autocast")
"""Other ways to compute in low precision."""
_OF_BF16: Final = frozenset({"enabled", "check_grad_overflow", "immediate_grad_update"})
_NOT_OF_ZERO: Final = frozenset(
    {
        *("zero_quantized_weights", "zero_quantized_nontrainable_weights"),
        *("zero_quantized_gradients", "zenflow"),
    }
)
_MUST_BE_IN_ZERO: Final = (
    ("elastic_checkpoint", False, "DeepSpeed cannot load what it then saves; take it out"),
    ("load_from_fp32_weights", True, "else continuing rounds the weights to bfloat16; take it out"),
)
_HARMLESS_OF_ADAM: Final[dict[str, Any]] = {
    "adam_w_mode": True,
    "bias_correction": True,
    "amsgrad": False,
}


def deepspeed_fingerprint(train: Train) -> str:
    """A digest of what the recipe's DeepSpeed file says; empty without one.

    Raises:
        RecipeError: It is not there, or not JSON.
    """
    return digest(read_json(train.deepspeed)) if train.deepspeed else ""


def read_deepspeed(train: Train, job: TrainingJob) -> TrainingJob:
    """The job as the recipe's DeepSpeed JSON decides it.

    Args:
        train: The recipe's `[train]`, which names the file.
        job: With the recipe's own values, and what the machine file says.

    Raises:
        RecipeError: The file is not there, not JSON, or says what only the loop may decide or what
            is not covered; or the recipe or the machine file decides the same thing.
    """
    content = read_json(train.deepspeed)
    if job.offload != "none":
        raise RecipeError(
            f"training.offload = {job.offload!r}: decided by the DeepSpeed file {train.deepspeed}; "
            f"take it out of the machine file, or leave `deepspeed` out of the recipe"
        )
    said = Said(train.deepspeed)
    own: dict[str, Any] = {"zero_optimization": {"stage": 0}}
    changes: dict[str, Any] = {"clip_grad_norm": 0.0, "zero_stage": 0, "precision": "float32"}
    for name, value in content.items():
        if name in _BATCHES:
            said.must_be(
                *(name, value, (AUTO,)),
                "steps are counted in tokens: leave it out, and set train.batch_tokens and the "
                "machine file's training.micro_batch_tokens",
            )
        elif name == "zero_optimization":
            own[name], more = _zero(said, value)
            changes |= more
        elif name == "bf16":
            own[name], more = _bf16(said, value)
            changes |= more
        elif name == "gradient_clipping":
            if value != AUTO:
                changes["clip_grad_norm"] = said.number(name, value)
        elif name == "optimizer":
            changes |= _adamw(said, value, train, job.lr)
        elif name == "scheduler":
            raise said.refused(
                *(name, "the learning rate follows the recipe: take it out, and set "),
                "train.schedule, train.warmup_ratio and train.min_lr_ratio",
            )
        elif name in _OFF:
            enabled = said.table(name, value).get("enabled", False)
            said.must_be(f"{name}.enabled", enabled, (AUTO, False), "use bf16")
        elif name in _MUST_BE:
            said.must_be(name, value, (AUTO, _MUST_BE[name]), "the loop needs it so; leave it out")
        elif name in _PASSED_ON:
            own |= without_auto({name: value})
        elif name not in _DROPPED:
            raise said.refused(name, "it is not covered; take it out")
    changes |= _fields_for_auto(said, content, train)
    if "bf16" in own:
        own["bf16"]["enabled"] = changes["precision"] == "bfloat16"
    return TrainingJob.model_validate(job.model_dump() | changes | {"deepspeed": own})


def _fields_for_auto(said: Said, content: dict[str, Any], train: Train) -> dict[str, Any]:
    """The recipe's fields that the file leaves open with "auto"; refused where it does not."""
    bf16 = content.get("bf16", {}).get("enabled")
    found = {"precision": bf16, "clip_grad_norm": content.get("gradient_clipping")}
    entries = {"precision": "bf16.enabled", "clip_grad_norm": "gradient_clipping"}
    for name in found.keys() & train.model_fields_set:
        if found[name] != AUTO:
            raise said.refused(
                entries[name],
                f'the recipe sets train.{name} too; write "auto" here, or take train.{name} out',
            )
    return {name: getattr(train, name) for name, value in found.items() if value == AUTO}


def _zero(said: Said, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """`zero_optimization` without "auto"; and what a job says by fields of its own."""
    zero = without_auto(said.table("zero_optimization", value))
    stage = zero.setdefault("stage", 0)
    said.must_be("zero_optimization.stage", stage, (0, 1, 2, 3), "write it as a number")
    for name in sorted(_NOT_OF_ZERO & {one for one in zero if zero[one]}):
        raise said.refused(f"zero_optimization.{name}", "it is not covered; take it out")
    for name, must, remedy in _MUST_BE_IN_ZERO:
        said.must_be(f"zero_optimization.{name}", zero.get(name, must), (must,), remedy)
    if stage < 2:
        said.must_be(
            *("zero_optimization.overlap_comm", zero.get("overlap_comm", False), (False, None)),
            "DeepSpeed overlaps where gradients are cut up, in stages 2 and 3",
        )
    offload = "none"
    for name, means in (("offload_optimizer", "optimizer"), ("offload_param", "all")):
        where = said.table(f"zero_optimization.{name}", zero.get(name) or {})
        device = where.get("device", "none")
        remedy = "other devices need operators that are compiled"
        said.must_be(f"zero_optimization.{name}.device", device, ("none", "cpu"), remedy)
        for odd, plain in (("super_offload", False), ("ratio", 1)):
            said.must_be(
                f"zero_optimization.{name}.{odd}", where.get(odd, plain), (plain,), "take it out"
            )
        if device == "none":
            zero.pop(name, None)
        else:
            offload = means
    return zero, {"zero_stage": stage, "offload": offload}


def _bf16(said: Said, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    table = said.table("bf16", value)
    for name in table.keys() - _OF_BF16:
        raise said.refused(f"bf16.{name}", "it is not covered; take it out")
    enabled = table.get("enabled", False)
    said.must_be("bf16.enabled", enabled, (AUTO, True, False), "write it so")
    precision = "bfloat16" if enabled is True else "float32"
    return without_auto(table), {"precision": precision}


def _adamw(said: Said, value: Any, train: Train, lr: float) -> dict[str, Any]:
    """Fields of a job that the file's `optimizer` decides."""
    table = said.table("optimizer", value)
    kind = table.get("type", "")
    remedy = "only AdamW is covered; take `optimizer` out"
    said.must_be("optimizer.type", kind, ("AdamW", "Adam"), remedy)
    params = said.table("optimizer.params", table.get("params", {}))
    changes: dict[str, Any] = {}
    for name, one in params.items():
        where = f"optimizer.params.{name}"
        if name == "lr":
            said.must_be(
                where, one, (AUTO, lr), "a student's lr stands in the recipe; leave it out"
            )
        elif name in ("betas", "eps", "weight_decay"):
            if one == AUTO:
                continue
            if name in train.model_fields_set:
                raise said.refused(where, f"the recipe sets train.{name} too; take one of them out")
            numbers = one if name == "betas" and isinstance(one, list) else [one]
            changes[name] = [said.number(where, number) for number in numbers]
            if len(changes[name]) != (2 if name == "betas" else 1):
                raise said.refused(where, f"expected two numbers, found {one!r:.80}")
            if name != "betas":
                changes[name] = changes[name][0]
        elif name in _HARMLESS_OF_ADAM:
            said.must_be(where, one, (AUTO, _HARMLESS_OF_ADAM[name]), remedy)
        elif name != "torch_adam":
            raise said.refused(where, "it is not covered; take it out")
    return changes
