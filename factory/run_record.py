"""The record of a run, read and described: `runs/<run>/run.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from factory.errors import ManifestMismatch
from factory.shard.description import read_description
from factory.validate.intervals import share_interval
from schemas.manifest import Manifest
from schemas.run import DatasetRef, Run, StageRef
from schemas.score import Score

RUN_FILE: Final = "run.json"
RECIPE_FILE: Final = "recipe.json"
"""Beside the record: the whole recipe of the run."""
REPORT_FILE: Final = "report.html"
"""Beside the record: the run for people."""
SCORES_FILE: Final = "scores.json"
_SCORES: Final = TypeAdapter(list[Score])


def read_run(folder: Path) -> Run:
    """The record in a run's folder; scores of before there were intervals are given theirs.

    Raises:
        ManifestMismatch: There is none, or it is of another version.
    """
    path = folder / RUN_FILE
    try:
        record = json.loads(path.read_bytes())
        return Run.model_validate(record | {"scores": _with_intervals(record["scores"])})
    except OSError as error:
        raise ManifestMismatch(
            f"{path}: expected the record of a finished run, found none; run "
            f"`luigi --module pipelines DistillAll` first, or name a run"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestMismatch(
            f"{path}: not the record of a run of this version ({error}); run its recipe again: the "
            f"record is made anew, what is finished is kept"
        ) from error


def _with_intervals(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The scores, each with `low` and `high`."""
    for score in scores:
        if "low" not in score:
            value, stderr, n = score["value"], score["stderr"], score["n"]
            score["low"], score["high"] = share_interval(value, stderr, n, n * score["k"])
    return scores


def read_scores(folder: Path) -> list[Score]:
    """The scores in an artifact of `validate`."""
    return _SCORES.validate_json((folder / SCORES_FILE).read_bytes())


def stage_ref(task: str, folder: Path, manifest: Manifest) -> StageRef:
    """An artifact as a run names it."""
    return StageRef(
        task=task,
        stage=manifest.stage,
        key=manifest.key,
        path=str(folder),
        wall_s=manifest.wall_s,
    )


def dataset_ref(folder: Path) -> DatasetRef:
    """A published dataset as a run names it."""
    about = read_description(folder)
    return DatasetRef(path=str(folder), version=about.version, digest=about.digest, rows=about.rows)
