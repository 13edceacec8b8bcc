"""The file of labelled answers that a recipe names, checked whole before anything is asked."""

from __future__ import annotations

from factory.errors import GradeFileError
from factory.grade.line_file import LineFile, Values
from factory.recipe_file import existing
from schemas.judge_line import JudgeLine


def labelled_lines(labels: str) -> LineFile:
    """The lines of `grade.judge.labels`: each a `JudgeLine` with a label, and at least one.

    Raises:
        RecipeError: The file is not there.
        GradeFileError: A line of it is wrong or has no label, or there is none.
    """
    path = existing(labels, "grade.judge.labels")
    if not path.is_file():
        raise GradeFileError(f"{path}: expected a file of labelled answers, found a folder")
    lines = LineFile(path, _labelled)
    if not len(lines):
        raise GradeFileError(f"{path}: expected labelled answers, found none")
    return lines


def _labelled(values: Values) -> None:
    if JudgeLine.model_validate(values).label is None:
        raise ValueError("`label`: expected true or false, found none")
