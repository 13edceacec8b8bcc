"""How long a training will take, from one micro-batch through the base cut to one and two layers.

What the second layer adds is taken for each of the base's layers. Weights are random, so the base
is not read. Not counted: the ranks' messages, evaluation, checkpoints, and that ranks on one host
share its memory's bandwidth; it is an estimate.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Generator
from typing import Any, Final

from factory.train.batches import Batches, Rows
from factory.train.flops import training_flops
from factory.train.job import TrainingJob
from factory.train.memory import Memory, count_parameters
from factory.train.plan import Plan, attended_pairs
from factory.train.tokens import TokenFiles
from schemas.row import Row

_MOST_OPERATIONS: Final = {"cpu": 4e10, "cuda": 1e15}
"""Of one micro-batch through two layers: a few seconds."""
_BYTES: Final = 32
"""Per parameter of the base cut to two layers: what trying it takes at most."""
_TRIES: Final = 2


class Time(Row):
    """How long a training will take; an estimate."""

    step_s: float
    """Mean of the optimizer steps."""
    total_s: float
    """Of all steps, without evaluation and checkpoints."""
    tokens_per_s: float
    """Of all ranks."""
    probed_tokens: int
    """Of the micro-batch that was tried."""


def time_of(
    job: TrainingJob, config: Any, data: TokenFiles, plan: Plan, memory: Memory
) -> Time | None:
    """The time of a training, by trying for a few seconds; None where even that is too much here.

    Args:
        config: The student's configuration.
        data: The documents of the plan.
        memory: What is free.
    """
    import torch

    small = _cut(config, 2)
    rows = _rows(job, small, data, plan)
    free = memory.host_free_bytes if memory.gpu_free_bytes is None else memory.gpu_free_bytes
    if rows is None or _BYTES * count_parameters(small) > free:
        return None
    numbers = [number for row in rows for number in row]
    tokens = int(data.lengths[numbers].sum())
    with _as_a_rank(job.device):
        try:
            (pass_1, update_1), (pass_2, update_2) = (
                _try(job, _cut(config, layers), data, rows) for layers in (1, 2)
            )
        except torch.OutOfMemoryError:
            return None
    further = config.get_text_config().num_hidden_layers - 1
    pass_s = pass_1 + further * max(0.0, pass_2 - pass_1)
    update_s = update_1 + further * max(0.0, update_2 - update_1)
    seen = sum(step.tokens for step in plan.steps)
    share = job.ranks if job.zero_stage else 1
    total_s = pass_s * seen / (tokens * job.ranks) + len(plan.steps) * update_s / share
    return Time(
        step_s=total_s / len(plan.steps),
        total_s=total_s,
        tokens_per_s=seen / total_s,
        probed_tokens=tokens,
    )


def _cut(config: Any, layers: int) -> Any:
    """The same shape with fewer layers."""
    small = copy.deepcopy(config)
    text = small.get_text_config()
    text.num_hidden_layers = layers
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:layers]
    return small


def _rows(job: TrainingJob, small: Any, data: TokenFiles, plan: Plan) -> Rows | None:
    """A micro-batch of the plan, or the start of one that is not too much; None where each of
    its documents is."""
    whole: Rows = plan.steps[0].rows[: plan.rows_per_micro(job.micro_batch_tokens)]
    smaller = [whole[:count] for count in range(len(whole), 0, -1)]
    smaller += [(whole[0][:count],) for count in range(len(whole[0]) - 1, 0, -1)]
    for rows in smaller:
        numbers = [number for row in rows for number in row]
        lengths = data.lengths[numbers]
        operations = training_flops(
            small,
            tokens=int(lengths.sum()),
            targets=int((lengths - data.prompt_tokens[numbers]).sum()),
            pairs=int(attended_pairs(lengths).sum()),
        )
        if operations <= _MOST_OPERATIONS[job.device]:
            return rows
    return None


def _try(job: TrainingJob, config: Any, data: TokenFiles, rows: Rows) -> tuple[float, float]:
    """Seconds of forward and backward pass over the rows, and of AdamW on all parameters."""
    import torch
    import transformers

    from factory.train.attention import is_flat
    from factory.train.engine import how_computed
    from factory.train.loss import Learner

    how = how_computed(job, config)
    device = torch.device(job.device)
    model: Any = transformers.AutoModelForCausalLM.from_config(config, **how)
    if job.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    learner: Any = Learner(model.to(device).train(), kernel=job.loss)
    flat = is_flat(how["attn_implementation"])
    batches = Batches(data, pad_id=job.end_token_id, flat=flat, device=device)
    batch = next(iter(batches.of(iter([rows]))))
    pass_s = _seconds(lambda: learner(*batch.inputs()).backward(), device)
    count = sum(one.numel() for one in learner.parameters())
    all_of_them = torch.zeros(count, device="cpu" if job.offload != "none" else device)
    all_of_them.grad = torch.zeros_like(all_of_them)
    return pass_s, _seconds(torch.optim.AdamW([all_of_them], fused=True).step, device)


def _seconds(act: Callable[[], object], device: Any) -> float:
    """The shorter of two tries; the first one also makes what lasts."""
    import torch

    tries: list[float] = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize()
        tries.append(time.perf_counter() - begun)
    return min(tries)


@contextlib.contextmanager
def _as_a_rank(device: str) -> Generator[None]:
    """One thread on CPU, as the ranks have; torch's generators as they were afterwards."""
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        if device == "cpu":
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
