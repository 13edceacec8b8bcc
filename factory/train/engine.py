"""DeepSpeed's engine around a model, and what has to be true of the model."""

from __future__ import annotations

import datetime
from typing import Any

from factory.errors import TrainError
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.job import TrainingJob
from factory.train.tokens import TokenFiles


def check_model(config: Any, data: TokenFiles, vocabulary: int) -> None:
    """Refuse a base that cannot learn these documents, or whose logits our loss would not know.

    Raises:
        TrainError: Too few positions or embeddings, or logits that are scaled.
    """
    longest = int(data.lengths.max())
    if longest > config.max_position_embeddings:
        raise TrainError(
            f"train.max_length_tokens: expected at most {config.max_position_embeddings}, the "
            f"base's positions, found a document of {longest} tokens; lower it"
        )
    if vocabulary > config.vocab_size:
        raise TrainError(
            f"base: expected an embedding for each of the tokenizer's {vocabulary} tokens, found "
            f"{config.vocab_size}; use the tokenizer that belongs to the model"
        )
    for name in ("final_logit_softcapping", "logits_scaling", "logit_scale"):
        if getattr(config, name, None) not in (None, 1.0):
            raise TrainError(
                f"base: expected logits that are the output layer's, found {name} in its "
                f"configuration (model_type {config.model_type}), which our loss does not apply"
            )


def parameter_groups(learner: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with weight decay (matrices) and without (all others)."""
    parameters = [one for one in learner.parameters() if one.requires_grad]
    if weight_decay == 0:
        return [{"params": parameters, "weight_decay": 0.0}]
    return [
        {"params": [one for one in parameters if one.ndim >= 2], "weight_decay": weight_decay},
        {"params": [one for one in parameters if one.ndim < 2], "weight_decay": 0.0},
    ]


def load_base(job: TrainingJob) -> tuple[Any, Any]:
    """The base as it learns, in float32, and its tokenizer.

    Raises:
        TrainError: It cannot be loaded, or more positions are asked for than its rotary embedding
            was given a base for.
    """
    import torch
    import transformers

    from factory.train.attention import attention_of

    revision = job.revision or None
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(job.base, revision=revision)
    if job.chat_template:
        tokenizer.chat_template = job.chat_template
    config: Any = transformers.AutoConfig.from_pretrained(job.base, revision=revision)
    if job.rope_base is not None:
        config.rope_parameters = {**config.rope_parameters, "rope_theta": job.rope_base}
    if job.positions is not None:
        config.max_position_embeddings = job.positions
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        job.base,
        revision=revision,
        config=config,
        dtype=torch.float32,
        attn_implementation=attention_of(job),
    )
    model.config.use_cache = False
    if job.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train(), tokenizer


def start_engine(learner: Any, job: TrainingJob) -> tuple[Any, Any]:
    """DeepSpeed's engine around the learner and the optimizer whose learning rate is set, the
    process group ready."""
    import deepspeed
    import deepspeed.ops
    import torch

    optimizer = torch.optim.AdamW(
        parameter_groups(learner, job.weight_decay), lr=job.lr, betas=job.betas, eps=job.eps
    )
    if job.device == "cpu":  # gloo alone: the shared-memory op would be compiled at first use
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(
        dist_backend="gloo" if job.device == "cpu" else "nccl",
        timeout=datetime.timedelta(seconds=job.stall_timeout_s),
        verbose=False,
    )
    settings = deepspeed_config(job, ranks=torch.distributed.get_world_size())
    engine, *_ = deepspeed.initialize(model=learner, optimizer=optimizer, config=settings)
    return engine, optimizer


def whole_state(engine: Any, learner: Any, job: TrainingJob) -> dict[str, Any] | None:
    """The model's weights by the model's own names, whole on rank 0."""
    if job.zero_stage == 3:
        state = engine._zero3_consolidated_16bit_state_dict()
    else:
        state = learner.state_dict()
    if state is None:
        return None
    return {name.removeprefix("model."): value for name, value in state.items()}
