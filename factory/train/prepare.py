"""What stands before a training: the dataset's facts, the tokenizer, token files, the job.

The same for a run of the stage, for `retort train` and for `retort train --check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.digest import digest, folder_digest
from factory.errors import TrainError
from factory.models import Model
from factory.train.deepspeed_file import read_deepspeed
from factory.train.job import TrainingJob
from factory.train.render import Renderer
from factory.train.rows import tokenise_dataset
from factory.train.template import DatasetTemplates, student_tokenizer, templates_of
from factory.train.token_parts import RowCounts
from schemas.machine import Machine
from schemas.train_settings import Student, Train

_CPU_RANKS: Final = 2


@dataclass(frozen=True)
class Prepared:
    """A training that could start now."""

    job: TrainingJob
    student: Student
    train: Train
    base: Model
    dataset: Path
    templates: DatasetTemplates
    """The chat templates that the dataset's rows were drawn with, as far as it says so."""
    renderer: Renderer
    counts: RowCounts


def prepare(
    dataset: Path,
    student: Student,
    train: Train,
    *,
    base: Model,
    seed: int,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> Prepared:
    """Token files and job of one student; token files that are there already are kept.

    Raises:
        TrainError: The dataset, its template, a row, the base, or the DeepSpeed file must not be
            trained on or with.
        RecipeError: A file that the recipe names is not there.
    """
    tokenizer, own_template = student_tokenizer(base, student.template)
    templates = templates_of(dataset)
    templates.check(tokenizer, student)
    renderer = Renderer(tokenizer)
    made_from = digest(
        [
            *(key, folder_digest(dataset), base.identity, own_template),
            *(train.max_length_tokens, train.held_out, seed),
        ]
    )
    tokenised = tokenise_dataset(
        dataset,
        renderer,
        out_dir / "work" / "tokens",
        max_length_tokens=train.max_length_tokens,
        held_out=train.held_out,
        seed=seed,
        machine=machine,
        made_from=made_from,
    )
    job = TrainingJob(
        tokens=[str(path) for path in tokenised.tokens],
        eval_tokens=[str(path) for path in tokenised.eval_tokens],
        base=base.location,
        revision="" if base.is_local else base.revision,
        chat_template=own_template,
        rope_base=student.rope_base,
        positions=student.positions,
        out_dir=str(out_dir),
        end_token_id=renderer.end_token_id,
        lr=student.lr,
        epochs=student.epochs,
        seed=seed,
        **train.model_dump(include=_SAME_NAMES),
        **_placement(machine),
    )
    if train.deepspeed:
        job = read_deepspeed(train, job)
    return Prepared(job, student, train, base, dataset, templates, renderer, tokenised.counts)


_SAME_NAMES: Final = {
    *("batch_tokens", "packing", "eval_every_steps", "schedule", "warmup_ratio", "min_lr_ratio"),
    *("weight_decay", "betas", "eps", "clip_grad_norm", "zero_stage", "precision"),
    *("gradient_checkpointing", "loss", "checkpoint_every_steps"),
}
"""Fields of a recipe's `[train]` that a job has by the same name."""


def _placement(machine: Machine) -> dict[str, Any]:
    """What of a job the machine decides: device, number of ranks, sizes."""
    import torch

    training = machine.training
    gpus = torch.cuda.device_count()
    if training.hostfile:
        from factory.train.hostfile import read_hostfile

        ranks = sum(read_hostfile(training.hostfile).values())
    else:
        ranks = training.ranks or gpus or _CPU_RANKS
        if gpus and ranks > gpus:
            raise TrainError(
                f"training.ranks: expected at most the {gpus} GPUs that torch sees, found {ranks}; "
                f"lower it in the machine file"
            )
    return {
        "device": "cuda" if gpus else "cpu",
        "ranks": ranks,
        **training.model_dump(exclude={"ranks"}),
    }
