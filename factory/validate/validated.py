"""A finished validation as comparisons read it: who was measured how, and each problem's share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from factory.digest import digest
from factory.errors import ManifestMismatch
from factory.parts import MANIFEST, iter_columns, read_manifest
from factory.run_record import SCORES_FILE, read_scores
from factory.validate.asked import suite_of
from factory.validate.settings import SETTINGS_FILE
from schemas.manifest import Manifest
from schemas.run import Run
from schemas.verdict import Status


@dataclass(frozen=True)
class Measured:
    """One problem."""

    digest: str
    """Of what was asked and of what its answer was held against."""
    correct: int
    drawn: int
    """Candidates that were asked for, those that never came included."""


@dataclass(frozen=True)
class Validated:
    """One model's validation."""

    folder: Path
    model: str
    role: str
    temperature: float | None
    """None where answers were not drawn here."""
    seed: int
    drawn: Mapping[str, int]
    """Suite -> candidates per problem."""
    problems: Mapping[str, Measured]
    """Asked id -> problem, in the order in which they were asked."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """How answers were drawn and graded: name with dots -> JSON, from `settings.json`; empty where
    that is not known."""

    def of(self, suite: str) -> Validated:
        """The same with the problems of one suite alone."""
        kept = {asked: one for asked, one in self.problems.items() if suite_of(asked) == suite}
        return replace(self, problems=kept)


def validations(run: Run) -> Iterator[tuple[str, Path, Manifest]]:
    """Each model that a run measured: its name, and the artifact as far as it is still here."""
    for stage in run.stages:
        folder = Path(stage.path)
        if stage.stage == "validate" and (folder / MANIFEST).is_file():
            manifest = read_manifest(folder)
            yield manifest.ledger.stage.split(":", 2)[2], folder, manifest


def validation_of(run: Run, model: str) -> Path:
    """The folder of a model's validation in a run.

    Raises:
        ManifestMismatch: The run did not measure it, or its artifact is gone.
    """
    found = {name: folder for name, folder, _ in validations(run)}
    if model not in found:
        raise ManifestMismatch(
            f"run {run.run}: expected the validation of {model}, found those of "
            f"{', '.join(found) or 'no model'}; name one of them"
        )
    return found[model]


def read_validated(folder: Path) -> Validated:
    """The validation in a folder.

    Raises:
        ManifestMismatch: It is no finished validation, or its scores are of another version.
    """
    stage = read_manifest(folder).stage
    if stage != "validate":
        raise ManifestMismatch(
            f"{folder}: expected an artifact of validate, found one of {stage}; name a folder of "
            f"validate, or RUN:MODEL"
        )
    try:
        scores = read_scores(folder)
        first = scores[0]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ManifestMismatch(
            f"{folder / SCORES_FILE}: expected the scores of a validation of this version, found "
            f"others; delete the folder and run the recipe again: no candidate is drawn twice"
        ) from error
    drawn = {score.suite: score.k for score in scores}
    correct: Counter[str] = Counter()
    for table in iter_columns(folder / "verdicts", "verdicts", ["problem_id", "status"]):
        for row in table.to_pylist():
            correct[row["problem_id"]] += row["status"] == Status.CORRECT
    problems: dict[str, Measured] = {}
    columns = ["problem_id", "statement", "gold", "grader"]
    for table in iter_columns(folder / "problems", "problems", columns):
        for row in table.to_pylist():
            asked = row["problem_id"]
            what = digest([row["statement"], row["gold"], row["grader"]])
            problems[asked] = Measured(what, correct[asked], drawn[suite_of(asked)])
    return Validated(
        folder,
        first.model,
        first.role,
        first.temperature,
        first.seed,
        drawn,
        problems,
        _settings(folder / SETTINGS_FILE),
    )


def _settings(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    found = json.loads(file.read_bytes())
    kept = {name: found[name] for name in ("validate", "grade")}
    return dict(_flat("", kept)) if "sampling" in kept["validate"] else {}


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield prefix, json.dumps(value, ensure_ascii=False)
        return
    for name, inner in cast("dict[str, Any]", value).items():
        yield from _flat(f"{prefix}.{name}" if prefix else name, inner)
