"""One model alone: scores on suites -> an artifact, without a run around it.

Its problems, its key and its candidates are those of the stages: what a run drew with the same
settings is not drawn again, and a validation that was killed goes on where it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory.artifact import commit
from factory.collect.stage import collect_problems
from factory.digest import stage_key
from factory.errors import RecipeError
from factory.models import Model, architecture
from factory.parts import MANIFEST, read_manifest
from factory.preflight import check_graders, check_installed
from factory.recipe_file import resolve_plain
from factory.validate.answered import Subject
from factory.validate.chosen import Chosen
from factory.validate.key import CODE_VERSION, SUITE_VERSION, suite_section, validation_section
from factory.validate.rating_endpoints import check_rater
from factory.validate.responses import StoredResponses
from factory.validate.stage import validate_model
from schemas.collect_settings import Source
from schemas.machine import Machine
from schemas.manifest import Manifest
from schemas.teacher_settings import OpenaiTeacher
from schemas.validate_settings import Suite

ROLE: Final = "model"
_STAGE: Final = "validate"
_NOT_SLUG: Final = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True)
class SuiteHere:
    """One suite and the artifact of its problems."""

    suite: Suite
    folder: Path
    key: str


@dataclass(frozen=True)
class Alone:
    """One validation and what decides it."""

    chosen: Chosen
    subject: Subject
    name: str
    """Of the model, for people."""
    machine: Machine
    suites: list[SuiteHere]
    folder: Path
    key: str

    def finished(self) -> Manifest | None:
        """The manifest of the finished artifact, if it is."""
        return read_manifest(self.folder) if (self.folder / MANIFEST).is_file() else None

    def run(self) -> Manifest:
        """Collect, ask, grade and commit, or go on with it; what is finished is not run again.

        Raises:
            RetortError: As the stages'.
        """
        finished = self.finished()
        if finished is not None:
            return finished
        self._check()
        validate, grade = self.chosen.validate, self.chosen.grade
        for one in self.suites:
            self._collect(one)
        arch = architecture(self.subject) if isinstance(self.subject, Model) else ""
        return commit(
            self.folder,
            lambda: validate_model(
                [(one.suite, one.folder) for one in self.suites],
                validate,
                grade,
                model=self.subject,
                role=ROLE,
                name=self.name,
                arch=arch,
                machine=self.machine,
                store=resolve_plain(self.machine.paths.artifacts) / "candidates.sqlite",
                out_dir=self.folder,
                key=self.key,
            ),
            stage=_STAGE,
            recipe=self.chosen.name or self.name,
            key=self.key,
            code_version=CODE_VERSION,
            inputs=_inputs(self.suites),
        )

    def _collect(self, one: SuiteHere) -> None:
        if (one.folder / MANIFEST).is_file():
            return
        seed = self.chosen.validate.seed
        commit(
            one.folder,
            lambda: collect_problems(
                one.suite.sources,
                check_gold=True,
                against=[],
                grade=self.chosen.grade,
                machine=self.machine,
                seed=seed,
                out_dir=one.folder,
                key=one.key,
            ),
            stage="collect",
            recipe=self.chosen.name or one.suite.name,
            key=one.key,
            code_version=SUITE_VERSION,
            inputs={},
        )

    def _check(self) -> None:
        """Raise for what this machine lacks; takes seconds."""
        match self.subject:
            case Model():
                check_installed(_STAGE, ("vllm",))
            case OpenaiTeacher():
                from factory.generate.endpoint_check import check_endpoints

                endpoints = self.machine.teacher
                check_endpoints(self.subject.model, endpoints, addresses="--endpoint", name="MODEL")
            case StoredResponses():
                pass
        sources: list[Source] = [each for one in self.suites for each in one.suite.sources]
        check_graders(sources, self.chosen.grade, self.machine)
        if (best_of := self.chosen.validate.best_of) is not None:
            check_rater(best_of, self.machine)


def alone(
    chosen: Chosen, subject: Subject, name: str, machine: Machine, *, out: Path | None
) -> Alone:
    """What would be validated, and where; nothing is written.

    Args:
        name: Of the model, for people.
        out: Folder of the artifact; None: below the machine's artifacts, by its key.

    Raises:
        RecipeError: The data of a suite is not there, or `out` holds another validation.
        GraderError: A source names a grader that is not there.
    """
    artifacts = resolve_plain(machine.paths.artifacts)
    suites = [_here(suite, chosen, artifacts) for suite in chosen.validate.suites]
    match subject:
        case OpenaiTeacher():
            identity = f"{subject.model}@{subject.revision}"
        case _:
            identity = subject.identity
    section = validation_section(chosen.validate, role=ROLE, model=identity, vllm_args={})
    key = stage_key(section, CODE_VERSION, _inputs(suites))
    folder = out or artifacts / _STAGE / f"{_slug(name)}-{key}"
    found = Alone(chosen, subject, name, machine, suites, folder, key)
    finished = found.finished()
    if finished is not None and finished.key != key:
        raise RecipeError(
            f"{folder}: expected a validation of these settings (key {key}), found a finished one "
            f"of others ({finished.key}); give another folder to --out"
        )
    return found


def _here(suite: Suite, chosen: Chosen, artifacts: Path) -> SuiteHere:
    try:
        section = suite_section(suite, chosen.grade, chosen.validate.seed)
    except RecipeError as error:
        hint = ", or COMMIT of its dataset" if suite.sources[0].kind in ("hub", "gpqa") else ""
        raise RecipeError(
            f"suite {suite.name}: {error}; or name a local copy of its data with "
            f"--data {suite.name}=PATH{hint} (`retort validate --list`)"
        ) from error
    key = stage_key(section, SUITE_VERSION, {})
    name = chosen.name or suite.name
    return SuiteHere(suite, artifacts / "collect" / f"{name}-{key}", key)


def _inputs(suites: Sequence[SuiteHere]) -> dict[str, str]:
    return {f"suite:{one.suite.name}": one.key for one in suites}


def _slug(name: str) -> str:
    return _NOT_SLUG.sub("-", name.lower()).strip("-.") or ROLE
