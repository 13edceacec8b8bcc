"""What a run says of its judge: settings, and its agreement with the labels that a recipe names."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from factory.errors import GraderError
from factory.grade.judge_agreement import Agreement
from factory.grade.judge_asking import Judge
from factory.grade.judge_label_file import labelled_lines
from factory.grade.judge_lines import line_verdicts
from factory.grade.judge_reading import Unanswered
from schemas.grade_settings import Grade
from schemas.judge_line import JudgeLine
from schemas.machine import Machine

_BATCH: Final = 256


def judge_figures(grade: Grade, machine: Machine) -> dict[str, Any]:
    """What a manifest and a card say of the judge: its settings, and its agreement where the
    recipe names labels. Raises as `measure_agreement`."""
    settings = grade.judge.model_dump(mode="json", exclude={"labels"})
    measured = measure_agreement(grade, machine)
    return settings if measured is None else settings | {"agreement": measured}


def measure_agreement(grade: Grade, machine: Machine) -> dict[str, Any] | None:
    """The judge's agreement with `grade.judge.labels`, the figures of an `Agreement`; None where
    the recipe names no labels.

    Judgements are kept, so that all but the first measurement asks nothing.

    Raises:
        RecipeError: No model is named, or the file is not there.
        GradeFileError: A line of it is wrong or has no label.
        TeacherError, GraderError: The judge cannot be asked, or fails.
    """
    if not grade.judge.labels:
        return None
    lines = labelled_lines(grade.judge.labels)
    judge = Judge(grade.judge, machine)
    agreement = Agreement()
    try:
        everything = lines.read(range(len(lines)))
        for batch in _batches(JudgeLine.model_validate(values) for _, values in everything):
            _add(agreement, batch, judge, grade, lines.path)
    finally:
        judge.close()
    return agreement.figures()


def _add(
    agreement: Agreement, lines: list[JudgeLine], judge: Judge, grade: Grade, path: Path
) -> None:
    verdicts = line_verdicts(lines, judge, grade.judge.prompt)
    for line, verdict in zip(lines, verdicts, strict=True):
        if isinstance(verdict, Unanswered):
            raise GraderError(
                f"{path}: expected the judge to reply on line {line.id!r}, found none after all "
                f"retries ({verdict.detail}); mend the server and run again, judgements are kept"
            )
        assert line.label is not None
        agreement.add(line.label, verdict.status, verdict.method)


def _batches(lines: Iterable[JudgeLine]) -> Iterator[list[JudgeLine]]:
    rest = iter(lines)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch
