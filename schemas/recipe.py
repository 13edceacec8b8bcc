"""A recipe: one TOML file that holds all that changes the data or the student.

Each section has a module of its own, `schemas.collect_settings` to `schemas.validate_settings`.
Every table is closed (an unknown key is an error) and every field states its unit in its name or
in the line below it. What changes neither data nor student belongs to `schemas.machine`.
A path may begin with `${RETORT_DATA}`; any other path is relative to the project's root.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from schemas.collect_settings import Collect
from schemas.field_types import Slug
from schemas.generate_settings import Generate, Rewrite
from schemas.grade_settings import Grade
from schemas.row import Settings
from schemas.select_settings import Select
from schemas.shard_settings import Shard
from schemas.teacher_settings import ImportTeacher
from schemas.train_settings import Train
from schemas.validate_settings import Validate


class Recipe(Settings):
    """One run. `[train]` and `[validate]` may be left out where only the dataset is wanted."""

    name: Slug
    description: str = ""
    seed: int = 0
    collect: Collect
    generate: Generate
    rewrite: Rewrite | None = None
    grade: Grade = Grade()
    select: Select = Select()
    shard: Shard
    train: Train | None = None
    validation: Validate | None = Field(default=None, alias="validate")

    @model_validator(mode="after")
    def _imports_answer_known_sources(self) -> Self:
        teacher = self.generate.teacher
        if isinstance(teacher, ImportTeacher):
            names = {source.name for source in self.collect.sources}
            for file in teacher.files:
                if file.source not in names:
                    raise ValueError(
                        f"generate.teacher.files: source {file.source!r} is none of {sorted(names)}"
                    )
            if self.generate.max_rounds != 1:
                raise ValueError("generate.max_rounds must be 1 for imported generations")
        return self

    @model_validator(mode="after")
    def _only_a_served_teacher_is_validated(self) -> Self:
        if self.validation and self.validation.teacher and self.generate.teacher.engine != "vllm":
            raise ValueError(
                "validate.teacher must be false unless generate.teacher.engine is `vllm`: Retort "
                "can measure only a teacher that it serves itself"
            )
        return self

    def __hash__(self) -> int:
        return hash(self.name)


class ValidateRecipe(Settings):
    """What `retort validate` needs of a recipe: a file with only these is enough for it."""

    name: Slug
    description: str = ""
    seed: int = 0
    grade: Grade = Grade()
    validation: Validate = Field(alias="validate")
