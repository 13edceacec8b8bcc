"""The stage: published dataset -> student, with its ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from factory.digest import digest, folder_digest
from factory.errors import TrainError
from factory.ledger import entry
from factory.models import Model
from factory.parts import write_atomically
from factory.preflight import TRAIN_PACKAGES, check_installed
from factory.train.files import describe_files
from factory.train.job import TrainingJob
from factory.train.launch import run_training
from factory.train.render import Renderer, load_tokenizer
from factory.train.rows import RowCounts, tokenise_dataset
from factory.train.tokens import tokens_made_from
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.recipe import Student, Train
from schemas.sample import Drop

_CPU_RANKS: Final = 2


def train_student(
    dataset_dir: Path,
    student: Student,
    train: Train,
    *,
    base: Model,
    seed: int,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """One student, trained on a published dataset: `out_dir/model` in Hugging Face layout.

    A stage that was killed continues from its last checkpoint. `log.jsonl` holds times, so it is
    no part; the model's files are.

    Raises:
        MissingDependency: torch, transformers or DeepSpeed is not installed.
        TrainError: The data, the template or the base must not be trained on, or a rank failed.
    """
    check_installed("train", TRAIN_PACKAGES)
    renderer = Renderer(load_tokenizer(base.location, "" if base.is_local else base.revision))
    work = out_dir / "work"
    tokens = work / "tokens.arrow"
    counts = _tokenise(dataset_dir, renderer, tokens, train.max_length_tokens, base, key)
    outcome = run_training(
        TrainingJob(
            tokens=[str(tokens)],
            base=base.location,
            revision="" if base.is_local else base.revision,
            out_dir=str(out_dir),
            end_token_id=renderer.end_token_id,
            lr=student.lr,
            epochs=student.epochs,
            batch_tokens=train.batch_tokens,
            warmup_ratio=train.warmup_ratio,
            min_lr_ratio=train.min_lr_ratio,
            weight_decay=train.weight_decay,
            clip_grad_norm=train.clip_grad_norm,
            zero_stage=train.zero_stage,
            precision=train.precision,
            gradient_checkpointing=train.gradient_checkpointing,
            seed=seed,
            checkpoint_every_steps=train.checkpoint_every_steps,
            **_placement(machine),
        )
    )
    return StageResult(
        parts=describe_files(out_dir, "model"),
        ledger=entry(
            f"train:{student.name}",
            counts.read,
            counts.kept,
            {Drop.OVER_LENGTH: counts.over_length},
        ),
        figures=outcome.model_dump() | {"longest_tokens": counts.longest_tokens},
    )


def _tokenise(
    dataset: Path, renderer: Renderer, path: Path, max_length_tokens: int, base: Model, key: str
) -> RowCounts:
    """Make the token file, or keep the one that was made from the same things."""
    made_from = digest([key, folder_digest(dataset), base.identity, max_length_tokens])
    beside = path.with_suffix(".json")
    if tokens_made_from(path) == made_from and beside.is_file():
        return RowCounts(**json.loads(beside.read_text(encoding="utf-8")))
    beside.unlink(missing_ok=True)
    counts = tokenise_dataset(
        dataset, renderer, path, max_length_tokens=max_length_tokens, made_from=made_from
    )
    write_atomically(beside, json.dumps(asdict(counts)).encode())
    return counts


def _placement(machine: Machine) -> dict[str, Any]:
    """What of a job the machine decides: device, number of ranks, sizes."""
    import torch

    gpus = torch.cuda.device_count()
    ranks = machine.training.ranks or gpus or _CPU_RANKS
    if gpus and ranks > gpus:
        raise TrainError(
            f"training.ranks: expected at most the {gpus} GPUs that torch sees, found {ranks}; "
            f"lower it in the machine file"
        )
    return {
        "device": "cuda" if gpus else "cpu",
        "ranks": ranks,
        "micro_batch_tokens": machine.training.micro_batch_tokens,
        "stall_timeout_s": machine.training.stall_timeout_s,
    }
