"""The training loop, as it runs in each rank: `python -m factory.train.loop JOB.json`.

A plain DeepSpeed loop; `factory.train.launch` starts one process per rank under torchrun's
environment. Rank 0 writes `log.jsonl`; an error made on purpose is written to `work/` for the
parent. Dropout is off in the families we train, and torch's generators are seeded anew for each
step, so a step depends only on the weights and the plan.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from factory.digest import digest
from factory.errors import TrainError
from factory.parts import write_atomically
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.engine import check_model, parameter_groups, start_engine, whole_state
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.launch import bind_to_parent
from factory.train.log import TrainingLog
from factory.train.pack import collate, join
from factory.train.plan import Step, make_plan
from factory.train.schedule import learning_rate
from factory.train.tokens import TokenFiles


def train(job: TrainingJob) -> TrainingOutcome:
    """Train, or continue to train, and export; the same outcome in every rank.

    Raises:
        TrainError: See `launch.run_training`.
    """
    rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    data = TokenFiles([Path(path) for path in job.tokens])
    plan = make_plan(
        data.lengths,
        data.prompt_tokens,
        epochs=job.epochs,
        batch_tokens=job.batch_tokens,
        seed=job.seed,
    )
    settings = deepspeed_config(job, ranks=ranks)

    import torch
    import transformers

    from factory.train import checkpoint
    from factory.train.export import save_model
    from factory.train.loss import Learner

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
        job.base, revision=job.revision or None
    )
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        job.base,
        revision=job.revision or None,
        dtype=torch.float32,
        attn_implementation=_attention(job),
    )
    check_model(model.config, data, len(tokenizer))
    model.config.use_cache = False
    if job.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    model.train()
    learner = Learner(model)
    parameters = sum(one.numel() for one in learner.parameters())
    optimizer = torch.optim.AdamW(
        parameter_groups(learner, job.weight_decay), lr=job.lr, betas=job.betas, eps=job.eps
    )
    engine = start_engine(learner, optimizer, settings, job)
    device = engine.device

    identity = {"ranks": ranks, "plan": plan.digest(), "settings": _settings_digest(job)}
    checkpoints = job.out / "checkpoints"
    done = checkpoint.resume(engine, checkpoints, identity)
    rows_per_micro = max(1, job.micro_batch_tokens // plan.row_tokens)
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else job.end_token_id
    log = TrainingLog(job.out, plan, done) if rank == 0 else None
    started = time.monotonic()

    for number in range(done, len(plan.steps)):
        step = plan.steps[number]
        torch.manual_seed(
            int(np.random.SeedSequence([job.seed, number, rank]).generate_state(1)[0])
        )
        rate = learning_rate(
            number,
            steps=len(plan.steps),
            peak=job.lr,
            warmup_ratio=job.warmup_ratio,
            min_lr_ratio=job.min_lr_ratio,
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _step(
            engine, step.share(rank, ranks, rows_per_micro), step, data, pad_id, ranks, device
        )
        if not math.isfinite(loss):
            raise TrainError(
                f"step {number + 1}: expected a finite loss, found {loss}; lower the learning rate "
                f"({rate:.3g}) or look at the data; the last checkpoint is kept in {checkpoints}"
            )
        engine.step()
        if log is not None:
            log.step(number, loss, rate, engine.get_global_grad_norm())
        if (number + 1) % job.checkpoint_every_steps == 0 and number + 1 < len(plan.steps):
            checkpoint.save(engine, checkpoints, number + 1, identity, job.checkpoints_kept)

    wall_s = time.monotonic() - started
    state = whole_state(engine, learner, job)
    if rank == 0:
        if job.precision == "bfloat16":
            model.config.dtype = torch.bfloat16
        save_model(
            model, tokenizer, job.out / "model", end_token_id=job.end_token_id, state_dict=state
        )
    torch.distributed.barrier()
    history = log.history() if log is not None else []
    seen = plan.steps[done:]
    return TrainingOutcome(
        steps=len(plan.steps),
        epochs=job.epochs,
        tokens=sum(step.tokens for step in plan.steps),
        target_tokens=sum(step.targets for step in plan.steps),
        parameters=parameters,
        first_loss=history[0] if history else math.nan,
        final_loss=history[-1] if history else math.nan,
        tokens_per_s=sum(step.tokens for step in seen) / max(wall_s, 1e-9),
        target_tokens_per_s=sum(step.targets for step in seen) / max(wall_s, 1e-9),
        packing_efficiency=plan.efficiency,
        row_tokens=plan.row_tokens,
        ranks=ranks,
        wall_s=wall_s,
    )


def _attention(job: TrainingJob) -> str:
    """torch's fused attention, but not on CPU in bfloat16, where its backward pass is 1.4 times as
    slow as plain matrices (`benchmarks/train_speed.py`)."""
    return "eager" if job.device == "cpu" and job.precision == "bfloat16" else "sdpa"


def _step(
    engine: Any,
    micros: list[tuple[tuple[int, ...], ...]],
    step: Step,
    data: TokenFiles,
    pad_id: int,
    ranks: int,
    device: Any,
) -> float:
    """Gradients of one optimizer step; returns its mean loss per target token over all ranks."""
    import torch

    from factory.train.loss import step_share

    total = torch.zeros((), dtype=torch.float64)
    for rows in micros:
        packed = [join(row, [data.document(number) for number in row]) for row in rows]
        batch = [torch.from_numpy(array).to(device) for array in collate(packed, pad_id)]
        loss_sum = engine(*batch)
        total += loss_sum.detach().double().cpu()
        engine.backward(step_share(loss_sum, step.targets, ranks), scale_wrt_gas=False)
    total = total.to(device)
    torch.distributed.all_reduce(total)
    return float(total.item()) / step.targets


def _settings_digest(job: TrainingJob) -> str:
    """Digest of what decides the weights, apart from the plan and the number of ranks."""
    named = job.model_dump(
        exclude={
            "tokens",
            "out_dir",
            "ranks",
            "checkpoint_every_steps",
            "checkpoints_kept",
            "stall_timeout_s",
        }
    )
    return digest(named)


def main(path: str) -> int:
    """Exit code 0; 3 after an error made on purpose, which lies in `work/error-<rank>.json`."""
    bind_to_parent()
    job = TrainingJob.model_validate_json(Path(path).read_text(encoding="utf-8"))
    rank = int(os.environ["RANK"])
    try:
        outcome = train(job)
    except TrainError as error:
        write_atomically(
            job.work / f"error-{rank}.json", json.dumps({"message": str(error)}).encode()
        )
        sys.stderr.write(f"rank {rank}: {error}\n")
        return 3
    if rank == 0:
        write_atomically(job.work / "outcome.json", outcome.model_dump_json().encode())
    import torch.distributed

    torch.distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
