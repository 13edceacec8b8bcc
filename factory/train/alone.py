"""One student alone: any dataset's folder -> an artifact, without a run around it.

The key is that of the stage, with the digest of the dataset's files in place of the stages that
would have made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory.artifact import commit, sole_writer
from factory.digest import folder_digest, stage_key
from factory.errors import RecipeError
from factory.models import CARD, Model, local_model, resolve_model, tokenizer_folder
from factory.parts import MANIFEST, read_manifest
from factory.recipe_file import resolve_plain
from factory.train.base import make_random_base
from factory.train.dataset_rows import dataset_files
from factory.train.hostfile import read_hostfile
from factory.train.prepare import Prepared, prepare
from factory.train.stage import CODE_VERSION, train_student, training_section
from schemas.machine import Machine
from schemas.manifest import Manifest
from schemas.train_settings import RandomBase, Student, TrainRecipe

_STAGE: Final = "train"


@dataclass(frozen=True)
class Alone:
    """One student and what decides it."""

    recipe: TrainRecipe
    student: Student
    dataset: Path
    machine: Machine
    folder: Path
    """Of the artifact; the model is in its `model`."""
    key: str
    inputs: dict[str, str]
    made: Model | None
    """The base; None where it has random weights, which are made in the folder."""

    @property
    def model(self) -> Path:
        """The trained student."""
        return self.folder / "model"

    def finished(self) -> Manifest | None:
        """The manifest of the finished artifact, if it is."""
        return read_manifest(self.folder) if (self.folder / MANIFEST).is_file() else None

    def prepare(self) -> Prepared:
        """Everything but the training itself; what is made for it is kept.

        Raises:
            RetortError: What is wrong with the dataset, the base or the settings.
        """
        with sole_writer(self.folder, tidy=True):
            return prepare(
                self.dataset,
                self.student,
                self.recipe.train,
                base=self._base(),
                seed=self.recipe.seed,
                machine=self.machine,
                out_dir=self.folder,
                key=self.key,
            )

    def train(self) -> Manifest:
        """Train, or continue to train, and commit; what is finished is not run again.

        Raises:
            RetortError: As the stage's.
        """
        finished = self.finished()
        if finished is not None:
            return finished
        return commit(
            self.folder,
            lambda: train_student(
                self.dataset,
                self.student,
                self.recipe.train,
                base=self._base(),
                seed=self.recipe.seed,
                machine=self.machine,
                out_dir=self.folder,
                key=self.key,
                recipe=self.recipe.name,
            ),
            stage=_STAGE,
            recipe=self.recipe.name,
            key=self.key,
            code_version=CODE_VERSION,
            inputs=self.inputs,
        )

    def _base(self) -> Model:
        if self.made is not None:
            return self.made
        base = self.student.base
        assert isinstance(base, RandomBase)
        folder = self.folder / f"base-{self.key}"
        if not (folder / "config.json").is_file():  # the folder is there whole or not at all
            make_random_base(base, folder)
        return local_model(folder, f"{self.student.name}-base")


def alone(
    recipe: TrainRecipe, student: Student, dataset: Path, machine: Machine, *, out: Path | None
) -> Alone:
    """What would be trained, and where; nothing is written.

    Args:
        dataset: Folder with `data/*.parquet`.
        out: Folder of the artifact; None: below the machine's artifacts, by its key.

    Raises:
        RecipeError: The base or the hostfile is not there, the student is the control, or `out`
            holds another student.
        TrainError: The folder has no Parquet files.
    """
    if student.learns_from == "all":
        raise RecipeError(
            f"student {student.name}: learns_from = 'all' draws its rows from all candidates of a "
            f"run, and a dataset holds the accepted ones alone; train it with "
            f"`luigi --module pipelines`, or name the other students with --student"
        )
    dataset_files(dataset)
    if machine.training.hostfile:
        read_hostfile(machine.training.hostfile)
    base = student.base
    if isinstance(base, RandomBase):
        made, what = None, folder_digest(tokenizer_folder(base.tokenizer), without={CARD})
    else:
        made = resolve_model(base, student.revision)
        what = made.identity
    section = training_section(recipe.train, student, base=what, seed=recipe.seed)
    inputs = {"dataset": folder_digest(dataset / "data")}
    key = stage_key(section, CODE_VERSION, inputs)
    artifacts = resolve_plain(machine.paths.artifacts)
    folder = out or artifacts / _STAGE / f"{recipe.name}-{key}"
    found = Alone(recipe, student, dataset, machine, folder, key, inputs, made)
    finished = found.finished()
    if finished is not None and finished.key != key:
        raise RecipeError(
            f"{folder}: expected a student of these settings and this dataset (key {key}), found "
            f"a finished one of others ({finished.key}); give another folder to --out"
        )
    return found
