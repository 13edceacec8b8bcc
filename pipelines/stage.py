"""The base of every task that makes an artifact: recipe, key, folder, commit."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import traceback
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import luigi

from factory.artifact import commit
from factory.digest import stage_key
from factory.errors import RetortError
from factory.orphans import die_with_parent
from factory.parts import MANIFEST, read_manifest
from factory.recipe_file import resolve_plain
from factory.shown.printable import printable
from factory.shown.progress import say
from pipelines.parameters import MachineParameter, RecipeParameter
from pipelines.status import shown_by_luigi
from schemas.machine import Machine
from schemas.manifest import Manifest, StageResult
from schemas.recipe import Recipe


class RecipeTask(luigi.Task):
    """A task of one recipe on one machine."""

    recipe: Recipe = RecipeParameter(
        default="recipes/demo.toml", description="TOML file of the run; default: the demonstration"
    )  # pyright: ignore[reportAssignmentType]
    machine: Machine = MachineParameter(
        default="", significant=False, description="TOML file of this machine; may be left out"
    )  # pyright: ignore[reportAssignmentType]


class Stage(RecipeTask):
    """One artifact: `section`, `inputs` and `work` are what a stage has to say.

    The key digests the section, the code version and the keys of the inputs; the folder is named
    by it; the manifest, written last, is the only target.
    """

    name: ClassVar[str]
    code_version: ClassVar[int] = 1

    def section(self) -> Any:
        """What of the recipe decides the result, as something with a canonical digest."""
        raise NotImplementedError

    def inputs(self) -> Mapping[str, Stage]:
        """The stages that this one reads, by name."""
        return {}

    def work(self) -> StageResult:
        """One call into `factory`."""
        raise NotImplementedError

    def requires(self) -> list[luigi.Task]:
        return list(self.inputs().values())

    @cached_property
    def key(self) -> str:
        """Digest of all that decides the result."""
        keys = {name: stage.key for name, stage in self.inputs().items()}
        return stage_key(self.section(), self.code_version, keys)

    @property
    def out_dir(self) -> Path:
        """The artifact's folder."""
        return self.artifacts / self.name / f"{self.recipe.name}-{self.key}"

    @property
    def artifacts(self) -> Path:
        """Where all artifacts are."""
        return resolve_plain(self.machine.paths.artifacts)

    @property
    def share_of_machine(self) -> float:
        """Stages run side by side where their shares sum to 1."""
        return 1.0

    def process_resources(self) -> dict[str, float]:
        """What keeps the stages on one host apart; Luigi has 1 of a resource without a figure."""
        return {f"machine {socket.gethostname()}": self.share_of_machine}

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(self.out_dir / MANIFEST))

    def run(self) -> None:
        if multiprocessing.parent_process() is not None:
            die_with_parent(os.getppid())
        with shown_by_luigi(self):
            say(f"[{self.label}] {self.out_dir}")
            commit(
                self.out_dir,
                self.work,
                stage=self.name,
                recipe=self.recipe.name,
                key=self.key,
                code_version=self.code_version,
                inputs={name: stage.key for name, stage in self.inputs().items()},
            )

    @property
    def label(self) -> str:
        """The stage for people."""
        return self.name

    def manifest(self) -> Manifest:
        """The manifest of the finished artifact."""
        return read_manifest(self.out_dir)


def _report(task: luigi.Task, error: BaseException) -> None:
    """Say once what went wrong: our own errors by their message, others with their trace."""
    if isinstance(error, RetortError):
        say_error(f"{type(error).__name__}: {error}")
    else:
        say_error(
            f"unexpected error in {task.task_family}, please report it:\n"
            + "".join(traceback.format_exception(error))
        )


def _report_death(_task: luigi.Task, message: str) -> None:
    """Say that the process of a task was killed, by the kernel for want of memory or by hand."""
    say_error(f"{message}; what it finished is kept, run again to continue")


def say_error(text: str) -> None:
    """A line on standard error, also where progress is silenced."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201 - the command line's own output


luigi.Task.event_handler(luigi.Event.FAILURE)(_report)
luigi.Task.event_handler(luigi.Event.BROKEN_TASK)(_report)
luigi.Task.event_handler(luigi.Event.PROCESS_FAILURE)(_report_death)
