"""DeepSpeed's engine around a model, and what has to be true of the model."""

from __future__ import annotations

import datetime
from typing import Any

from factory.errors import TrainError
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


def start_engine(learner: Any, optimizer: Any, settings: dict[str, Any], job: TrainingJob) -> Any:
    """DeepSpeed's engine around the learner, its process group ready."""
    import deepspeed
    import deepspeed.ops

    if job.device == "cpu":  # gloo alone: the shared-memory op would be compiled at first use
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(
        dist_backend="gloo" if job.device == "cpu" else "nccl",
        timeout=datetime.timedelta(seconds=job.stall_timeout_s),
        verbose=False,
    )
    engine, *_ = deepspeed.initialize(model=learner, optimizer=optimizer, config=settings)
    return engine


def whole_state(engine: Any, learner: Any, job: TrainingJob) -> dict[str, Any] | None:
    """The model's weights by the model's own names, whole on rank 0."""
    if job.zero_stage == 3:
        state = engine._zero3_consolidated_16bit_state_dict()
    else:
        state = learner.state_dict()
    if state is None:
        return None
    return {name.removeprefix("model."): value for name, value in state.items()}
