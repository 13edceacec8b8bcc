"""The student's model as it is loaded, DeepSpeed's engine around it, and its weights at the end.

Only rank 0 reads the weights; the other ranks hold memory that nobody has written to, which costs
nothing, until DeepSpeed sends them theirs. With ZeRO 3 a parameter is cut among the ranks as soon
as it is sent, so no other rank, and no GPU, ever holds a whole model. Parameters are cast and
buffers are not, so the frequencies of the rotary embedding stay in float32.
"""

from __future__ import annotations

import datetime
import os
from typing import Any

from factory.errors import TrainError
from factory.train.architecture import PROVEN, check_forward, not_loaded, student_config
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.job import TrainingJob
from factory.train.pulse import limit_waits, long_wait_s


def parameter_groups(learner: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with weight decay (matrices) and without (all others).

    To be called before ZeRO 3 has cut the parameters: their shapes are then gone.
    """
    parameters = [one for one in learner.parameters() if one.requires_grad]
    if weight_decay == 0:
        return [{"params": parameters, "weight_decay": 0.0}]
    return [
        {"params": [one for one in parameters if one.ndim >= 2], "weight_decay": weight_decay},
        {"params": [one for one in parameters if one.ndim < 2], "weight_decay": 0.0},
    ]


def how_computed(job: TrainingJob, config: Any) -> dict[str, Any]:
    """What transformers is told of a model that learns by this job, beside its configuration."""
    import torch

    from factory.train.attention import attention_of

    return {
        "dtype": torch.bfloat16 if job.precision == "bfloat16" else torch.float32,
        "attn_implementation": attention_of(job, config),
    }


def load_base(job: TrainingJob) -> tuple[Any, Any]:
    """The base as it learns, in the precision that it is computed in, and its tokenizer.

    In ranks other than 0 the weights have no values yet; `start_engine` brings them.

    Raises:
        TrainError: It cannot be loaded, or is not covered (`factory.train.architecture`).
    """
    import transformers

    config = student_config(job)
    how = how_computed(job, config)
    try:
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
            job.base, revision=job.revision or None
        )
        model = _load(job, config, how)
    except (OSError, ValueError) as error:
        raise not_loaded(job, error) from error
    if job.chat_template:
        tokenizer.chat_template = job.chat_template
    model.config.use_cache = False
    if job.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train(), tokenizer


def _load(job: TrainingJob, config: Any, how: dict[str, Any]) -> Any:
    import transformers
    from transformers import initialization

    if os.environ.get("RANK", "0") != "0":
        with initialization.no_init_weights():
            model: Any = transformers.AutoModelForCausalLM.from_config(config, **how)
        model.tie_weights()
        if not _has_saved_buffers(model):  # DeepSpeed sends parameters alone
            return model
    loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
        job.base,
        revision=job.revision or None,
        config=config,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # told below, with what is missing
        **how,
    )
    model, found = loaded
    if missing := sorted({*found["missing_keys"], *(one[0] for one in found["mismatched_keys"])}):
        raise TrainError(
            f"base {job.base}: expected weights for the whole model, found none that fit for "
            f"{', '.join(missing[:3])} ({len(missing)} in all); they would be random"
        )
    if config.model_type not in PROVEN:
        check_forward(model)
    return model


def _has_saved_buffers(model: Any) -> bool:
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    return not parameters.issuperset(model.state_dict())


def start_engine(learner: Any, job: TrainingJob) -> tuple[Any, Any]:
    """DeepSpeed's engine around the learner and the optimizer whose learning rate is set, the
    process group ready."""
    import deepspeed
    import deepspeed.ops
    import torch

    groups = parameter_groups(learner, job.weight_decay)
    if job.device == "cpu":  # gloo alone: the shared-memory op would be compiled at first use
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    else:  # before anything is moved: with ZeRO 3 DeepSpeed moves no buffers itself
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    deepspeed.init_distributed(
        dist_backend="gloo" if job.device == "cpu" else "nccl",
        timeout=datetime.timedelta(seconds=long_wait_s(job.stall_timeout_s)),
        verbose=False,
    )
    limit_waits(long_wait_s(job.stall_timeout_s))  # also where a training before made the group
    settings = deepspeed_config(job, ranks=torch.distributed.get_world_size())
    if job.zero_stage == 3:
        _share_out(learner, settings)
    optimizer = torch.optim.AdamW(groups, lr=job.lr, betas=job.betas, eps=job.eps, fused=True)
    engine, *_ = deepspeed.initialize(model=learner, optimizer=optimizer, config=settings)
    return engine, optimizer


def _share_out(learner: Any, settings: dict[str, Any]) -> None:
    """Cut rank 0's parameters among the ranks, one at a time, where the engine will have them."""
    import deepspeed
    from deepspeed.accelerator import get_accelerator

    accelerator: Any = get_accelerator()
    device = accelerator.current_device_name()
    for buffer in learner.buffers():
        buffer.data = buffer.data.to(device)
    deepspeed.zero.Init(module=learner, config_dict_or_path=settings)


def whole_state(engine: Any, learner: Any, job: TrainingJob) -> dict[str, Any] | None:
    """The model's weights by the model's own names, whole on rank 0."""
    if job.zero_stage == 3:
        state = engine._zero3_consolidated_16bit_state_dict()
    else:
        state = learner.state_dict()
    if state is None:
        return None
    return {name.removeprefix("model."): value for name, value in state.items()}
