"""What a training would do, found before it starts: rows, mask, template, packing, memory, time.

It refuses what can be known without a weight: a base that does not suit
(`factory.train.architecture`), settings that DeepSpeed or the loss does not have, and a published
dataset whose rows were changed.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from factory.digest import file_sha256
from factory.errors import ManifestMismatch, TrainError
from factory.shard.description import read_description
from factory.shard.layout import DATA, DATASET
from factory.train.architecture import check_model, student_config
from factory.train.attention import attention_of
from factory.train.check_facts import (
    Check,
    Dataset,
    Disk,
    EndToken,
    Lengths,
    Packing,
    Rows,
    Steps,
    Template,
)
from factory.train.check_warnings import warnings_of
from factory.train.dataset_rows import dataset_files
from factory.train.deepspeed_settings import deepspeed_config
from factory.train.first_rows import first_rows
from factory.train.hostfile import read_hostfile
from factory.train.job import TrainingJob
from factory.train.loop import plan_of
from factory.train.memory import checkpoint_bytes, count_parameters, export_bytes, memory_of
from factory.train.pack import Ints
from factory.train.plan import Plan
from factory.train.prepare import Prepared
from factory.train.probe import time_of
from factory.train.template import template_digest
from factory.train.tokens import TokenFiles
from schemas.sample import Drop

_SHOWN_ROWS: Final = 2


def examine(prepared: Prepared, *, rows: int = _SHOWN_ROWS, timed: bool = True) -> Check:
    """Everything about a training that can be known before it starts.

    Args:
        rows: How many documents are shown as tokens.
        timed: Try for some seconds how long it will take.

    Raises:
        TrainError: The base's configuration does not suit the documents or our loss, DeepSpeed
            has no such combination of settings, or a published dataset's rows were changed.
        MissingDependency: Liger's kernel is asked for and not installed.
    """
    from factory.train.loss import check_loss_kernel

    job, tokenizer = prepared.job, prepared.renderer.tokenizer
    deepspeed_config(job, ranks=job.ranks)
    check_loss_kernel(job.loss, job.device)
    data = TokenFiles([Path(path) for path in job.tokens])
    config = student_config(job)
    check_model(config, data, len(tokenizer))
    plan = plan_of(job, data)
    parameters = count_parameters(config)
    memory = memory_of(
        job,
        config,
        parameters,
        rows=plan.rows_per_micro(job.micro_batch_tokens),
        row_tokens=plan.row_tokens,
        document_tokens=float((data.lengths**2).sum() / data.lengths.sum()),
        ranks_here=_ranks_here(job),
    )
    check = Check(
        student=prepared.student.name,
        base=prepared.base.identity,
        parameters=parameters,
        device=job.device,
        ranks=job.ranks,
        zero_stage=job.zero_stage,
        precision=job.precision,
        attention=attention_of(job, config),
        gradient_checkpointing=job.gradient_checkpointing,
        offload=job.offload,
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
        steps=_steps(job, data, plan),
        memory=memory,
        disk=_disk(job, parameters, len(plan.steps)),
        time=time_of(job, config, data, plan, memory) if timed else None,
        warnings=[],
    )
    return check.model_copy(
        update={"warnings": warnings_of(check, data, tokenizer, held_out=prepared.train.held_out)}
    )


def _dataset(folder: Path) -> Dataset:
    try:
        said = read_description(folder)
    except ManifestMismatch:
        return Dataset(folder=str(folder))
    wanted = {file.path: file.sha256 for file in said.files if file.path.startswith(f"{DATA}/")}
    found = {f"{DATA}/{file.name}": file_sha256(file) for file in dataset_files(folder)}
    for path in sorted(wanted.keys() | found.keys()):
        if wanted.get(path) != found.get(path):
            raise TrainError(
                f"{folder / path}: expected SHA-256 {wanted.get(path, 'of no such file')}, as "
                f"{DATASET} says, found {found.get(path, 'no file')}; publish the dataset again, "
                f"or take {DATASET} away to train on rows that no version names"
            )
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
    rows_per_micro = plan.rows_per_micro(job.micro_batch_tokens)
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
