"""Documents and jobs of test size, and plain training to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from factory.train.job import TrainingJob
from factory.train.loop import plan_of
from factory.train.schedule import learning_rate
from factory.train.tokens import Document, TokenFiles

END = 258


def make_documents(count: int, seed: int) -> list[Document]:
    rng = np.random.default_rng(seed)
    made: list[Document] = []
    for length in rng.integers(8, 120, count).tolist():
        ids = rng.integers(0, 255, length).astype(np.int32)
        made.append(Document(ids, int(rng.integers(1, length - 1))))
    return made


def make_job(tokens: Path, base: Path, out_dir: Path, **changes: Any) -> TrainingJob:
    settings: dict[str, Any] = {
        "tokens": [str(tokens)],
        "base": str(base),
        "out_dir": str(out_dir),
        "end_token_id": END,
        "lr": 1e-3,
        "epochs": 1,
        "batch_tokens": 900,
        "micro_batch_tokens": 512,
        "weight_decay": 0.01,
        # Adam divides by the gradient's own size: with its usual 1e-8 a gradient that is only
        # rounding moves a weight by the whole learning rate, in either direction.
        "eps": 1e-6,
        "seed": 3,
    }
    return TrainingJob(**(settings | changes))


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def reference(job: TrainingJob) -> tuple[dict[str, np.ndarray], list[float]]:
    """Weights and losses of plain training: one process, one document at a time, float32."""
    plain = train_plainly(job)
    return plain.weights, plain.losses


@dataclass(frozen=True)
class PlainTraining:
    """What plain training came to; losses and gradient norms (before clipping) by step."""

    weights: dict[str, np.ndarray]
    losses: list[float]
    norms: list[float]


def train_plainly(job: TrainingJob) -> PlainTraining:
    """Plain training: one process, one document at a time, float32."""
    import torch
    from transformers import AutoModelForCausalLM

    data = TokenFiles([Path(path) for path in job.tokens])
    plan = plan_of(job, data)
    model = AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32)
    model.train()
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim > 1]},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ],
        betas=job.betas,
        eps=job.eps,
        weight_decay=job.weight_decay,
    )
    losses: list[float] = []
    norms: list[float] = []
    for number, step in enumerate(plan.steps):
        total = 0.0
        for document in (data.document(n) for row in step.rows for n in row):
            ids = torch.from_numpy(document.ids.astype(np.int64))
            logits = model(input_ids=ids[None]).logits[0]
            cut = document.prompt_tokens
            loss = torch.nn.functional.cross_entropy(
                logits[cut - 1 : -1], ids[cut:], reduction="sum"
            )
            (loss / step.targets).backward()
            total += loss.item()
        losses.append(total / step.targets)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), job.clip_grad_norm)
        norms.append(norm.item())
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(
                number,
                steps=len(plan.steps),
                peak=job.lr,
                warmup_ratio=job.warmup_ratio,
                min_lr_ratio=job.min_lr_ratio,
                schedule=job.schedule,
            )
        optimizer.step()
        optimizer.zero_grad()
    found = {name: value.numpy() for name, value in model.state_dict().items()}
    return PlainTraining(found, losses, norms)
