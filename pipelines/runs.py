"""The two targets that people ask for, and the record and report of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import luigi

from factory.digest import KEY_HEX, digest
from factory.errors import RetortError
from factory.ledger import reconcile
from factory.parts import write_atomically
from factory.preflight import check_needs
from factory.recipe_file import resolve_plain
from factory.run_record import (
    RECIPE_FILE,
    REPORT_FILE,
    RUN_FILE,
    dataset_ref,
    read_scores,
    stage_ref,
)
from factory.shard.recipe import recipe_bytes
from factory.shown.printable import printable
from factory.shown.progress import say
from factory.shown.summary_text import summary_text
from factory.spent import spent_in
from factory.validate.paired import compare_all
from pipelines.data import PublishDataset
from pipelines.stage import RecipeTask, Stage
from pipelines.students import TrainStudent, ValidateModel, train_section, validate_section
from schemas.run import Run


class RunTask(RecipeTask):
    """A target with a record and a report: `runs/<recipe>-<digest>/run.json` and `report.html`
    beside it, and `runs/latest` points to them.

    Before any work starts, what the unfinished stages need is checked on this machine. A run is
    complete when each of its stages is and `runs/latest` points to its record and report, so
    asking again for a finished run does nothing, or moves `latest` and makes its report anew. A
    report that cannot be made fails the run's last step, which is then repeated alone.
    """

    target: ClassVar[str]
    priority = -2
    """Below every stage: Luigi raises what a task needs to the task's own priority."""

    def published(self) -> PublishDataset:
        """The dataset of the run."""
        return PublishDataset(recipe=self.recipe, machine=self.machine)

    def students(self) -> list[TrainStudent]:
        """The students of the run, in the order of the recipe."""
        return []

    def measured(self) -> list[ValidateModel]:
        """The models that the run measures."""
        return []

    def compared(self) -> list[tuple[ValidateModel, ValidateModel]]:
        """Each student's validation with those of its base, the controls of that base, and the
        teacher."""
        measured = self.measured()
        return [
            (one, other)
            for one in measured
            if one.role == "student"
            for other in measured
            if other.role != "student" and other.is_beside(one.trained())
        ]

    def requires(self) -> list[luigi.Task]:
        _ = self._needs_checked
        return [self.published(), *self.students(), *self.measured()]

    @cached_property
    def _needs_checked(self) -> bool:
        unfinished = {stage.task_family for stage in self.stages if not stage.complete()}
        check_needs(self.recipe, self.machine, unfinished)
        return True

    @cached_property
    def stages(self) -> list[Stage]:
        """Every stage of the run, each after what it reads."""
        found: list[Stage] = []
        seen: set[str] = set()

        def visit(task: luigi.Task) -> None:
            if task.task_id in seen:
                return
            seen.add(task.task_id)
            for needed in luigi.task.flatten(task.requires()):
                visit(needed)
            if isinstance(task, Stage):
                found.append(task)

        for task in [self.published(), *self.students(), *self.measured()]:
            visit(task)
        return found

    @cached_property
    def run_name(self) -> str:
        """`<recipe>-<digest>`; the digest is of the target and the keys of all stages."""
        keys = sorted(stage.key for stage in self.stages)
        return f"{self.recipe.name}-{digest([self.target, keys])[:KEY_HEX]}"

    @property
    def runs(self) -> Path:
        """Where records are."""
        return resolve_plain(self.machine.paths.runs)

    @property
    def record(self) -> Path:
        """The record of this run."""
        return self.runs / self.run_name / RUN_FILE

    @property
    def report(self) -> Path:
        """The report of this run."""
        return self.record.with_name(REPORT_FILE)

    def complete(self) -> bool:
        latest = self.runs / "latest"
        try:
            done = (
                self.record.is_file()
                and self.report.is_file()
                and latest.resolve() == self.record.parent.resolve()
                and self.published().complete()
                and all(stage.complete() for stage in self.stages)
            )
        except RetortError:
            return False  # `requires` raises it again, where Luigi hands it to our report
        if done:
            self._say_once()
        return done

    def _say_once(self) -> None:
        if not getattr(self, "_said", False):
            self._said = True
            say(f"run {self.run_name} is complete: {self.record}")

    def run(self) -> None:
        from factory.report.write import write_report  # draws: not for who only plans

        record = self.describe()
        for student in self.students():
            student.tell_scores(self.measured())
        folder = self.record.parent
        folder.mkdir(parents=True, exist_ok=True)
        self.report.unlink(missing_ok=True)  # of an earlier record
        write_atomically(folder / RECIPE_FILE, recipe_bytes(self.recipe))
        write_atomically(self.record, (record.model_dump_json(indent=2) + "\n").encode())
        write_report(folder)
        _point(self.runs / "latest", self.run_name)
        self._said = True
        print(printable(summary_text(record, folder)), flush=True)  # noqa: T201 - what the user asked for

    def describe(self) -> Run:
        """The record: artifacts, ledger proven to add up, scores, dataset, students."""
        manifests = [(stage, stage.manifest()) for stage in self.stages]
        ledger = reconcile(
            [m.ledger for stage, m in manifests if stage.name != "base" and not _of_suite(stage)]
        )
        return Run(
            run=self.run_name,
            recipe=self.recipe.name,
            target=self.target,
            stages=[stage_ref(s.task_family, s.out_dir, m) for s, m in manifests],
            ledger=ledger,
            scores=[score for task in self.measured() for score in read_scores(task.out_dir)],
            comparisons=compare_all((one.out_dir, other.out_dir) for one, other in self.compared()),
            dataset=dataset_ref(self.published().folder),
            students=[str(one.folder) for one in self.students() if one.control() is None],
            spent=spent_in(m.figures for _, m in manifests),
        )


class BuildDataset(RunTask):
    """Sources -> a published dataset. Needs neither torch nor vLLM for imported generations."""

    target = "BuildDataset"


class DistillAll(RunTask):
    """The whole path: dataset, students, and the scores of bases, teacher and students."""

    target = "DistillAll"

    def students(self) -> list[TrainStudent]:
        return [
            TrainStudent(recipe=self.recipe, machine=self.machine, student=student.name)
            for student in train_section(self).students
        ]

    def measured(self) -> list[ValidateModel]:
        return list(self._measured())

    def _measured(self) -> Iterator[ValidateModel]:
        seen: set[str] = set()
        for student in self.students():
            identity = student.identity_of_base()
            if identity not in seen:
                seen.add(identity)
                yield self._validate("base", student.student)
        if validate_section(self).teacher:
            yield self._validate("teacher", "")
        for student in self.students():
            role = "student" if student.control() is None else "control"
            yield self._validate(role, student.student)

    def _validate(self, role: str, student: str) -> ValidateModel:
        return ValidateModel(recipe=self.recipe, machine=self.machine, role=role, student=student)


def _of_suite(stage: Stage) -> bool:
    """Suites are collected too, but their problems are not those of the dataset."""
    return stage.task_family == "CollectSuite"


def _point(link: Path, target: str) -> None:
    """Make a relative symbolic link, replacing an older one atomically."""
    hidden = link.with_name(f".{link.name}.{os.getpid()}")
    hidden.unlink(missing_ok=True)
    hidden.symlink_to(target)
    hidden.replace(link)
