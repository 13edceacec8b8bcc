"""From the published dataset to students and scores."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import luigi

from factory.collect.stage import collect_problems
from factory.digest import folder_digest
from factory.errors import RecipeError
from factory.generate.vllm_arguments import models_at_once
from factory.models import (
    CARD,
    Model,
    architecture,
    local_model,
    resolve_model,
    tokenizer_folder,
)
from factory.run_record import read_scores
from factory.select.control import draw_control
from factory.train.base import make_random_base
from factory.train.card_facts import Measured
from factory.train.model_card import add_scores
from factory.train.stage import CODE_VERSION, train_student, training_section
from factory.validate.key import CODE_VERSION as VALIDATE_VERSION
from factory.validate.key import SUITE_VERSION, suite_section, validation_section
from factory.validate.stage import validate_model
from pipelines.data import (
    BuildShards,
    PublishDataset,
    collect,
    prompts_of,
    rounds_before,
    rounds_of,
)
from pipelines.stage import RecipeTask, Stage
from schemas.machine import Machine
from schemas.manifest import LedgerEntry, StageResult
from schemas.train_settings import RandomBase, Student, Train
from schemas.validate_settings import Suite, Validate


def train_section(task: RecipeTask) -> Train:
    """`[train]`, which the whole path needs."""
    if task.recipe.train is None:
        raise RecipeError(
            f"recipe {task.recipe.name}: DistillAll needs [train], found none; add it, or run "
            f"BuildDataset for the dataset alone"
        )
    return task.recipe.train


def validate_section(task: RecipeTask) -> Validate:
    """`[validate]`, which the whole path needs."""
    if task.recipe.validation is None:
        raise RecipeError(
            f"recipe {task.recipe.name}: DistillAll needs [validate], found none; add it, or run "
            f"BuildDataset for the dataset alone"
        )
    return task.recipe.validation


class _OfStudent(Stage):
    """A stage of one student."""

    student: str = luigi.Parameter()  # pyright: ignore[reportAssignmentType]

    def settings(self) -> Student:
        """`[[train.students]]` of that name."""
        return next(s for s in train_section(self).students if s.name == self.student)


class MakeBase(_OfStudent):
    """A base with random weights, for tests of the path; factory/train/base."""

    name = "base"

    def section(self) -> Any:
        base = self.settings().base
        assert isinstance(base, RandomBase)
        tokenizer = folder_digest(tokenizer_folder(base.tokenizer), without={CARD})
        return {"base": base, "tokenizer": tokenizer}

    @property
    def folder(self) -> Path:
        """The model."""
        return self.out_dir / "model"

    def work(self) -> StageResult:
        base = self.settings().base
        assert isinstance(base, RandomBase)
        files = make_random_base(base, self.folder)
        name = self.folder.name
        parts = [file.model_copy(update={"path": f"{name}/{file.path}"}) for file in files]
        return StageResult(parts=parts, ledger=LedgerEntry(stage=self.name, rows_in=0, rows_out=0))


class DrawControl(Stage):
    """All candidates -> as many rows as the dataset has; the work is in factory/select/control."""

    name = "control"
    code_version = 3

    def section(self) -> Any:
        return {
            "prompts": prompts_of(self.recipe.generate),
            "dedupe": self.recipe.shard.dedupe != "none",
            "seed": self.recipe.seed,
        }

    def shards(self) -> BuildShards:
        """The dataset that it is drawn beside."""
        return BuildShards(recipe=self.recipe, machine=self.machine)

    def inputs(self) -> Mapping[str, Stage]:
        shards = self.shards()
        upstream = {name: one for name, one in shards.upstream().items() if name != "select"}
        return {**upstream, "shard": shards}

    def work(self) -> StageResult:
        return draw_control(
            self.shards().out_dir / "dataset",
            collect(self).out_dir,
            rounds_before(self, rounds_of(self) + 1),
            generate=self.recipe.generate,
            dedupe=self.recipe.shard.dedupe != "none",
            seed=self.recipe.seed,
            machine=self.machine,
            out_dir=self.out_dir,
            key=self.key,
        )


class TrainStudent(_OfStudent):
    """Dataset -> student: DeepSpeed SFT; the work is in factory/train."""

    name = "train"
    code_version = CODE_VERSION

    @property
    def label(self) -> str:
        return f"train {self.student}"

    def made_base(self) -> MakeBase | None:
        """The stage that makes the base, where the recipe asks for random weights."""
        if isinstance(self.settings().base, RandomBase):
            return MakeBase(recipe=self.recipe, machine=self.machine, student=self.student)
        return None

    def base(self) -> Model:
        """The base as it is loaded."""
        student = self.settings()
        made = self.made_base()
        if made is not None:
            return local_model(made.folder, f"{student.name}-base")
        assert isinstance(student.base, str)
        return resolve_model(student.base, student.revision)

    def identity_of_base(self) -> str:
        """Students with the same one have the same base."""
        made = self.made_base()
        return self.base().identity if made is None else made.key

    def section(self) -> Any:
        identity = "" if self.made_base() is not None else self.base().identity
        return training_section(
            train_section(self), self.settings(), base=identity, seed=self.recipe.seed
        )

    def published(self) -> PublishDataset:
        """The dataset that it learns from."""
        return PublishDataset(recipe=self.recipe, machine=self.machine)

    def control(self) -> DrawControl | None:
        """The stage that draws its rows, where it is the control."""
        if self.settings().learns_from == "all":
            return DrawControl(recipe=self.recipe, machine=self.machine)
        return None

    def inputs(self) -> Mapping[str, Stage]:
        made = self.made_base()
        rows: Stage = self.control() or self.published().shards()
        return {rows.name: rows} if made is None else {rows.name: rows, "base": made}

    def requires(self) -> list[luigi.Task]:
        made = self.made_base()
        rows: luigi.Task = self.control() or self.published()
        return [rows] if made is None else [rows, made]

    @property
    def folder(self) -> Path:
        """The trained model."""
        return self.out_dir / "model"

    def tell_scores(self, measured: Iterable[ValidateModel]) -> None:
        """Write its card again, with the scores of what it is compared with among those."""
        beside = [one for one in measured if one.is_beside(self)]
        scores = [score for one in beside for score in read_scores(one.out_dir)]
        sampling = validate_section(self).sampling.model_dump()
        add_scores(self.out_dir, Measured(scores=scores, sampling=sampling))

    def work(self) -> StageResult:
        control = self.control()
        return train_student(
            self.published().folder if control is None else control.out_dir,
            self.settings(),
            train_section(self),
            base=self.base(),
            seed=self.recipe.seed,
            machine=self.machine,
            out_dir=self.out_dir,
            key=self.key,
            recipe=self.recipe.name,
        )


class CollectSuite(Stage):
    """Sources of one suite -> its problems; factory/collect."""

    name = "collect"
    code_version = SUITE_VERSION
    suite: str = luigi.Parameter()  # pyright: ignore[reportAssignmentType]

    @property
    def label(self) -> str:
        return f"collect suite {self.suite}"

    def settings(self) -> Suite:
        """`[[validate.suites]]` of that name."""
        return next(s for s in validate_section(self).suites if s.name == self.suite)

    def section(self) -> Any:
        return suite_section(self.settings(), self.recipe.grade, validate_section(self).seed)

    def work(self) -> StageResult:
        return collect_problems(
            self.settings().sources,
            check_gold=True,
            against=[],
            grade=self.recipe.grade,
            machine=self.machine,
            seed=validate_section(self).seed,
            out_dir=self.out_dir,
            key=self.key,
        )


class ValidateModel(Stage):
    """One model -> its scores, through vLLM with the same graders; factory/validate."""

    name = "validate"
    code_version = VALIDATE_VERSION
    priority = -1  # after all that only data and students need
    role: str = luigi.ChoiceParameter(choices=["base", "teacher", "student", "control"])  # pyright: ignore[reportAssignmentType]
    student: str = luigi.Parameter(default="")  # pyright: ignore[reportAssignmentType]
    """Whose base, or which student or control; empty for the teacher."""

    @property
    def label(self) -> str:
        return f"validate {self.role} {self.student}".rstrip()

    @property
    def share_of_machine(self) -> float:
        """A half where two models are served side by side."""
        return 1 / models_at_once(self.machine.vllm)

    def trained(self) -> TrainStudent:
        """The training task of that student."""
        return TrainStudent(recipe=self.recipe, machine=self.machine, student=self.student)

    def suites(self) -> list[CollectSuite]:
        """The problems that it is asked."""
        return [
            CollectSuite(recipe=self.recipe, machine=self.machine, suite=suite.name)
            for suite in validate_section(self).suites
        ]

    def model(self) -> Model:
        """What is measured."""
        if self.role in ("student", "control"):
            return local_model(self.trained().folder, self.student)
        if self.role == "base":
            return self.trained().base()
        teacher = self.recipe.generate.teacher
        assert teacher.engine == "vllm"
        return resolve_model(teacher.model, teacher.revision)

    def is_beside(self, student: TrainStudent) -> bool:
        """Whether a student is compared with it: with itself, its base, the controls of that base,
        the teacher; a control with the students of that base."""
        if self.role == "teacher" or self.student == student.student:
            return True
        if self.role == "student" and student.control() is None:
            return False
        return self.trained().identity_of_base() == student.identity_of_base()

    def maker(self) -> Stage | None:
        """The stage that makes the model, if a stage of this run does."""
        if self.role in ("student", "control"):
            return self.trained()
        return self.trained().made_base() if self.role == "base" else None

    def section(self) -> Any:
        return validation_section(
            validate_section(self),
            role=self.role,
            model="" if self.maker() else self.model().identity,
            vllm_args=self.vllm_args(),
        )

    def vllm_args(self) -> dict[str, Any]:
        """The teacher is served here as it is in `generate`."""
        teacher = self.recipe.generate.teacher
        return teacher.vllm_args if self.role == "teacher" and teacher.engine == "vllm" else {}

    def inputs(self) -> Mapping[str, Stage]:
        inputs: dict[str, Stage] = {f"suite:{one.suite}": one for one in self.suites()}
        maker = self.maker()
        return inputs if maker is None else {**inputs, "model": maker}

    def own_share(self) -> Machine:
        """The machine as this task may use it: half of its cores where two models are served."""
        vllm, sandbox = self.machine.vllm, self.machine.sandbox
        if models_at_once(vllm) == 1:
            return self.machine
        cores = len(os.sched_getaffinity(0))
        threads = vllm.cpu_threads or max(1, (cores - 1) // (2 * vllm.replicas))
        slots = sandbox.slots or max(1, cores // 2)
        return self.machine.model_copy(
            update={
                "vllm": vllm.model_copy(update={"models_at_once": 2, "cpu_threads": threads}),
                "sandbox": sandbox.model_copy(update={"slots": slots}),
            }
        )

    def work(self) -> StageResult:
        model = self.model()
        return validate_model(
            [(suite.settings(), suite.out_dir) for suite in self.suites()],
            validate_section(self),
            self.recipe.grade,
            model=model,
            role=self.role,
            name=model.name,
            arch=architecture(model),
            machine=self.own_share(),
            store=self.artifacts / "candidates.sqlite",
            vllm_args=self.vllm_args(),
            out_dir=self.out_dir,
            key=self.key,
        )
