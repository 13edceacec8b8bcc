"""What a training's folder says of an earlier run, before and after the ranks work in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

from factory.digest import digest
from factory.parts import write_atomically
from factory.train.failure import clear_failures
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.tokens import tokens_made_from

_FINISHED: Final = "finished.json"
_OUTCOME: Final = "outcome.json"


def job_identity(job: TrainingJob) -> str:
    """Digest of what was trained on what: equal ones need not be trained again, wherever and
    however they run."""
    files = [*job.tokens, "eval", *job.eval_tokens]
    return digest([job.settings_digest(), *((one, tokens_made_from(Path(one))) for one in files)])


def finished_outcome(job: TrainingJob) -> TrainingOutcome | None:
    """What the training reported, if it is finished and its model is there."""
    path = job.work / _FINISHED
    if not path.is_file() or not (job.out / "model" / "config.json").is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["job"] != job_identity(job):
        return None
    return TrainingOutcome.model_validate(content["outcome"])


def clear_folder(job: TrainingJob) -> None:
    """Remove what ranks of an earlier run told, and what a kill cut short."""
    job.work.mkdir(parents=True, exist_ok=True)
    clear_failures(job.work)
    for stale in (job.work / _OUTCOME, job.work / "phase"):
        stale.unlink(missing_ok=True)
    shutil.rmtree(job.work / "ranks", ignore_errors=True)
    for stale in job.out.glob(".model.*"):  # an export
        shutil.rmtree(stale)


def has_outcome(job: TrainingJob) -> bool:
    """Whether rank 0 came to the end."""
    return (job.work / _OUTCOME).is_file()


def write_outcome(job: TrainingJob, outcome: TrainingOutcome) -> None:
    """For the parent, by rank 0."""
    write_atomically(job.work / _OUTCOME, outcome.model_dump_json().encode())


def finish(job: TrainingJob) -> TrainingOutcome:
    """Note that the training is finished; its checkpoints are not needed any more."""
    outcome = TrainingOutcome.model_validate_json((job.work / _OUTCOME).read_bytes())
    content = {"job": job_identity(job), "outcome": outcome.model_dump()}
    write_atomically(job.work / _FINISHED, json.dumps(content).encode())
    shutil.rmtree(job.out / "checkpoints", ignore_errors=True)
    return outcome
