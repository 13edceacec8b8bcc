"""Learning from nothing: one small model in one process, by Muon on its matrices and AdamW.

Students are taught by `factory.train`; this is the start that they are given. From random weights
Muon needs far fewer tokens than AdamW does, and it wants whole matrices, which ZeRO does not keep.
Loss, token files, learning rate and export are those of `factory.train`. Weights are kept in
float32 and multiplied in bfloat16.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from factory.bootstrap.batches import micro_batches, steps_of
from factory.errors import TrainError
from factory.parts import write_atomically
from factory.shown.progress import progress
from factory.train.schedule import learning_rate
from factory.train.tokens import TokenFiles
from schemas.row import Row

_SAY_EVERY_STEPS: Final = 25
_KEEP_EVERY_STEPS: Final = 250
"""So many steps are lost at most when the learning is killed."""


@dataclass(frozen=True)
class Learning:
    """How one model learns."""

    tokens: Path
    start: Path
    """Folder of the untrained model and its tokenizer."""
    out: Path
    """Gets the model in float16; there whole or not at all."""
    log: Path
    """One JSON line per 25 steps; the checkpoint and the outcome lie beside it."""
    seed: int
    lr: float = 0.01
    """Of the matrices; Muon."""
    vectors_lr: float = 0.003
    """Of embeddings, biases and norms; AdamW."""
    batch_tokens: int = 1024
    """Tokens per step, padding excluded. (0.03 and 0.006 were three times as slow to learn, and
    2,048 tokens learned less from as many.)"""
    compiled: bool = True
    """By `torch.compile`: a third faster after a minute, so not worth it for a few steps."""


class Learned(Row):
    """What a finished learning reports."""

    documents: int
    steps: int
    tokens: int
    target_tokens: int
    parameters: int
    final_loss: float
    """Mean per target token over the last steps."""
    wall_s: float


def learn(job: Learning) -> Learned:
    """Train once over the lessons; the same job gives the same weights on the same kind of machine.

    A finished model is kept, and a killed learning continues from its last checkpoint. (Compiled,
    it is then not promised to be the same to the last bit.)

    Raises:
        TrainError: The loss is no number.
    """
    done = job.log.with_suffix(".done.json")
    if done.is_file() and (job.out / "config.json").is_file():
        return Learned.model_validate_json(done.read_bytes())

    import torch
    import transformers

    from factory.train.export import save_model
    from factory.train.loss import Learner

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(job.start)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        job.start, dtype=torch.float32, attn_implementation="eager"
    )
    learner: Any = Learner(model.to(device).train())
    if job.compiled:
        learner = torch.compile(learner, dynamic=True)
    optimizers = _optimizers(model, job)
    data = TokenFiles([job.tokens])
    steps = steps_of(data.lengths, job.batch_tokens, job.seed)
    kept = job.log.with_suffix(".checkpoint.pt")
    first, recent, before_s = _resume(kept, model, optimizers)
    started = time.monotonic() - before_s
    _cut_log(job.log, first)
    label = f"learn {job.out.name}"
    with progress(label, len(steps), "steps", initial=first) as bar, open(job.log, "a") as log:
        for number, documents in enumerate(steps[first:], first):
            scale = learning_rate(
                number, steps=len(steps), peak=1.0, warmup_ratio=0.03, min_lr_ratio=0.02
            )
            targets = int((data.lengths - data.prompt_tokens)[documents].sum())
            total = 0.0
            for arrays in micro_batches(data, documents, tokenizer.pad_token_id):
                with torch.autocast(device, dtype=torch.bfloat16):
                    loss = learner(*(torch.from_numpy(one).to(device) for one in arrays)) / targets
                loss.backward()
                total += loss.item()
            if not np.isfinite(total):
                raise TrainError(f"{job.out.name}: step {number + 1}: the loss is {total}")
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak_lr"] * scale
                optimizer.step()
                optimizer.zero_grad()
            recent = [*recent[1 - _SAY_EVERY_STEPS :], total]
            bar.update()
            if (number + 1) % _SAY_EVERY_STEPS == 0:
                line = {"step": number + 1, "steps": len(steps), "loss": float(np.mean(recent))}
                log.write(json.dumps(line | {"wall_s": time.monotonic() - started}) + "\n")
                log.flush()
            if (number + 1) % _KEEP_EVERY_STEPS == 0 and number + 1 < len(steps):
                done_so_far = (number + 1, recent, time.monotonic() - started)
                _keep(kept, done_so_far, model, optimizers)
    save_model(model.half(), tokenizer, job.out, end_token_id=tokenizer.eos_token_id)
    learned = Learned(
        documents=len(data),
        steps=len(steps),
        tokens=int(data.lengths.sum()),
        target_tokens=int((data.lengths - data.prompt_tokens).sum()),
        parameters=sum(one.numel() for one in model.parameters()),
        final_loss=float(np.mean(recent)),
        wall_s=time.monotonic() - started,
    )
    write_atomically(done, learned.model_dump_json().encode())
    kept.unlink(missing_ok=True)
    return learned


_Done = tuple[int, list[float], float]
"""Steps, the losses of the last ones, seconds."""


def _keep(path: Path, done: _Done, model: Any, optimizers: list[Any]) -> None:
    import torch

    content = io.BytesIO()
    torch.save([done, model.state_dict(), [one.state_dict() for one in optimizers]], content)
    write_atomically(path, content.getvalue())


def _resume(path: Path, model: Any, optimizers: list[Any]) -> _Done:
    """Load what `_keep` wrote, if it is there; what had been done."""
    import torch

    if not path.is_file():
        return 0, [], 0.0
    done, weights, states = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(weights)
    for optimizer, state in zip(optimizers, states, strict=True):
        optimizer.load_state_dict(state)
    return done


def _cut_log(path: Path, steps: int) -> None:
    """Take out what was logged after the last checkpoint; it is logged again."""
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["step"] <= steps]
        write_atomically(path, "".join(kept).encode())


def _optimizers(model: Any, job: Learning) -> list[Any]:
    import torch

    embedding = model.get_input_embeddings().weight
    matrices = [one for one in model.parameters() if one.ndim == 2 and one is not embedding]
    vectors = [one for one in model.parameters() if one.ndim != 2 or one is embedding]
    return [
        torch.optim.Muon(
            [{"params": matrices, "peak_lr": job.lr}], lr=job.lr, momentum=0.95, weight_decay=0.01
        ),
        torch.optim.AdamW(
            [{"params": vectors, "peak_lr": job.vectors_lr}],
            lr=job.vectors_lr,
            betas=(0.9, 0.95),
            weight_decay=0.0,
        ),
    ]
