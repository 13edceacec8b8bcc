"""What a training would do, found before it starts: rows, mask, template, packing, memory, time.

It refuses nothing that `prepare` let through but a base whose positions, embeddings or logits do
not suit (`factory.train.engine.check_model`), which its configuration alone tells.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np

from factory.errors import ManifestMismatch
from factory.shard.description import read_description
from factory.train.engine import check_model
from factory.train.first_rows import FirstRow, first_rows
from factory.train.hostfile import read_hostfile
from factory.train.job import TrainingJob
from factory.train.loop import plan_of
from factory.train.memory import (
    Memory,
    checkpoint_bytes,
    count_parameters,
    export_bytes,
    memory_of,
)
from factory.train.pack import Ints
from factory.train.plan import Plan
from factory.train.prepare import Prepared
from factory.train.template import template_digest
from factory.train.tokens import TokenFiles
from schemas.machine import Machine
from schemas.row import Row
from schemas.sample import Drop

_SHOWN_ROWS: Final = 2


class Dataset(Row):
    """What is learned from; name, version and digest where it is a published dataset."""

    folder: str
    name: str | None = None
    version: str | None = None
    digest: str | None = None
    """Of the rows' content."""


class Rows(Row):
    """What became of the dataset's rows."""

    read: int
    kept: int
    held_out: int
    drops: dict[str, int]
    """By reason; no zeros."""


class Lengths(Row):
    """A distribution over documents."""

    least: int
    median: int
    p95: int
    most: int
    total: int


class Packing(Row):
    """Rows of several documents."""

    on: bool
    row_tokens: int
    rows: int
    """Of one epoch."""
    efficiency: float
    """Tokens over the capacity of the rows, in (0, 1]."""


class Template(Row):
    """Chat templates, by their digests."""

    student: str
    teachers: dict[str, str]
    """Model that wrote rows -> digest; empty where the dataset does not say."""


class EndToken(Row):
    """What generation will stop at."""

    id: int
    text: str


class Steps(Row):
    """The plan's size."""

    steps: int
    epochs: int
    tokens_per_epoch: int
    targets_per_epoch: int
    micro_batches: int
    """Of one rank in one step, at most."""
    micro_batch_tokens: int
    """Padded tokens of one of them, at most."""
    eval_targets: int
    """Target tokens of the held-out documents."""


class Disk(Row):
    """Bytes below the student's folder."""

    checkpoint_bytes: int
    checkpoints: int
    """At a time, at most: one more than are kept, while the newest is written."""
    export_bytes: int
    free_bytes: int

    @property
    def needed_bytes(self) -> int:
        """Of checkpoints and the exported model together."""
        return self.checkpoints * self.checkpoint_bytes + self.export_bytes


class Check(Row):
    """A training as it would be."""

    student: str
    base: str
    parameters: int
    device: str
    ranks: int
    zero_stage: int
    precision: str
    dataset: Dataset
    rows: Rows
    tokens: Lengths
    targets: Lengths
    packing: Packing
    template: Template
    end_token: EndToken
    first_rows: list[FirstRow]
    steps: Steps
    memory: Memory
    disk: Disk
    warnings: list[str]


def examine(prepared: Prepared, machine: Machine, *, rows: int = _SHOWN_ROWS) -> Check:
    """Everything about a training that can be known before it starts.

    Args:
        rows: How many documents are shown as tokens.

    Raises:
        TrainError: The base's configuration does not suit the documents or our loss.
    """
    job, tokenizer = prepared.job, prepared.renderer.tokenizer
    data = TokenFiles([Path(path) for path in job.tokens])
    config = student_config(job)
    check_model(config, data, len(tokenizer))
    plan = plan_of(job, data)
    parameters = count_parameters(config)
    steps = _steps(job, data, plan)
    return Check(
        student=prepared.student.name,
        base=prepared.base.identity,
        parameters=parameters,
        device=job.device,
        ranks=job.ranks,
        zero_stage=job.zero_stage,
        precision=job.precision,
        dataset=_dataset(prepared.dataset),
        rows=_rows(prepared),
        tokens=_lengths(data.lengths),
        targets=_lengths(data.lengths - data.prompt_tokens),
        packing=_packing(job, plan),
        template=Template(
            student=template_digest(tokenizer.chat_template),
            teachers=dict(prepared.templates.digests),
        ),
        end_token=EndToken(
            id=job.end_token_id, text=tokenizer.convert_ids_to_tokens(job.end_token_id)
        ),
        first_rows=first_rows(data, tokenizer, rows),
        steps=steps,
        memory=memory_of(
            job,
            config,
            parameters,
            rows=max(1, job.micro_batch_tokens // plan.row_tokens),
            row_tokens=plan.row_tokens,
            ranks_here=_ranks_here(job),
        ),
        disk=_disk(job, parameters, steps.steps),
        warnings=[],
    )


def student_config(job: TrainingJob) -> Any:
    """The base's configuration with what the student changes of it."""
    import transformers

    config: Any = transformers.AutoConfig.from_pretrained(job.base, revision=job.revision or None)
    if job.rope_base is not None:
        config.rope_parameters = {**config.rope_parameters, "rope_theta": job.rope_base}
    if job.positions is not None:
        config.max_position_embeddings = job.positions
    return config


def _dataset(folder: Path) -> Dataset:
    try:
        said = read_description(folder)
    except ManifestMismatch:
        return Dataset(folder=str(folder))
    return Dataset(folder=str(folder), name=said.name, version=said.version, digest=said.digest)


def _rows(prepared: Prepared) -> Rows:
    counts = prepared.counts
    drops = {Drop.OVER_LENGTH.value: counts.over_length}
    return Rows(
        read=counts.read,
        kept=counts.kept,
        held_out=counts.held_out,
        drops={reason: count for reason, count in drops.items() if count},
    )


def _lengths(lengths: Ints) -> Lengths:
    least, median, p95, most = np.quantile(lengths, [0, 0.5, 0.95, 1], method="lower").tolist()
    return Lengths(least=least, median=median, p95=p95, most=most, total=int(lengths.sum()))


def _packing(job: TrainingJob, plan: Plan) -> Packing:
    return Packing(
        on=job.packing,
        row_tokens=plan.row_tokens,
        rows=sum(len(step.rows) for step in plan.steps if step.epoch == 0),
        efficiency=plan.efficiency,
    )


def _steps(job: TrainingJob, data: TokenFiles, plan: Plan) -> Steps:
    rows_per_micro = max(1, job.micro_batch_tokens // plan.row_tokens)
    fullest = max(len(step.rows) for step in plan.steps)
    held_out = TokenFiles([Path(path) for path in job.eval_tokens]) if job.eval_tokens else None
    return Steps(
        steps=len(plan.steps),
        epochs=job.epochs,
        tokens_per_epoch=int(data.lengths.sum()),
        targets_per_epoch=int((data.lengths - data.prompt_tokens).sum()),
        micro_batches=math.ceil(fullest / (job.ranks * rows_per_micro)),
        micro_batch_tokens=rows_per_micro * plan.row_tokens,
        eval_targets=int((held_out.lengths - held_out.prompt_tokens).sum()) if held_out else 0,
    )


def _ranks_here(job: TrainingJob) -> int:
    return max(read_hostfile(job.hostfile).values()) if job.hostfile else job.ranks


def _disk(job: TrainingJob, parameters: int, steps: int) -> Disk:
    place = next(one for one in [job.out, *job.out.parents] if one.exists())
    return Disk(
        checkpoint_bytes=checkpoint_bytes(job, parameters),
        checkpoints=min(job.checkpoints_kept + 1, steps - 1),
        export_bytes=export_bytes(job, parameters),
        free_bytes=shutil.disk_usage(place).free,
    )
