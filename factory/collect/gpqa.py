"""Rows of GPQA in the columns of its own CSV files -> problems of multiple choice.

The right answer and three wrong ones stand in four columns. They are put in an order that depends
on the source's seed and the row's id alone, so that a run asks the same question as the one
before, whatever rows stand around it. Text is taken without the space around it; some cells of
GPQA end with an empty line.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from factory.collect.admitted import Rejected
from factory.collect.rows import SourceRow, dataset_rows, read_rows
from factory.errors import SourceError
from factory.recipe_file import existing
from schemas.problem import Domain, GraderName, Problem
from schemas.sample import Drop
from schemas.source_settings import GpqaSource

QUESTION: Final = "Question"
RIGHT: Final = "Correct Answer"
WRONG: Final = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
RECORD: Final = "Record ID"
OPTIONAL: Final = (
    RECORD,
    "High-level domain",
    "Subdomain",
    "Writer's Difficulty Estimate",
    "Explanation",
)
LETTERS: Final = "ABCD"


def problems(source: GpqaSource) -> Iterator[Problem | Rejected]:
    """The problems of a source in the order of its rows. One whose right answer is among the wrong
    ones leaves: two letters would be right, and one of them be graded as wrong.

    Raises:
        SourceError: A file or dataset cannot be read, or a row lacks a column or an answer.
        RecipeError: The path is not there, or a dataset of the hub has no revision.
    """
    return (_problem(source, row, at) for at, row in enumerate(_rows(source)))


def _rows(source: GpqaSource) -> Iterator[SourceRow]:
    who = f"source {source.name}"
    wanted = (QUESTION, RIGHT, *WRONG)
    if source.path:
        path = existing(source.path, who)
        if path.suffix == ".csv":
            yield from _csv_rows(path)
        else:
            yield from read_rows(path, required=wanted, optional=OPTIONAL)
        return
    for row in dataset_rows(source, who, required=wanted, optional=OPTIONAL):
        if row.broken is not None:
            raise row.broken
        yield row


def _csv_rows(path: Path) -> Iterator[SourceRow]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for number, values in enumerate(csv.DictReader(lines, strict=True), 1):
                # A row that is longer or shorter than the header has the key or the value None.
                if None in values or None in values.values():
                    raise SourceError(
                        f"{path}, row {number}: expected as many cells as the header has, found "
                        f"others; check that the file is whole"
                    )
                yield SourceRow(dict(values), str(path), number)
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        raise SourceError(
            f"{path}: cannot be read as CSV in UTF-8 ({cause}); check that it is whole"
        ) from cause


def _problem(source: GpqaSource, row: SourceRow, at: int) -> Problem | Rejected:
    record = row.identifier(RECORD, at)
    question = _cell(row, QUESTION)
    answers = [_cell(row, column) for column in (RIGHT, *WRONG)]
    if answers[0] in answers[1:]:
        problem_id = f"{source.name}/{record}"
        detail = f"the right answer is among the wrong ones: {answers[0]:.80}"
        return Rejected(problem_id, source.name, Drop.GOLD_REJECTED, detail)
    order = random.Random(f"gpqa/{source.seed}/{record}").sample(range(4), 4)
    choices = [f"{letter}) {answers[one]}" for letter, one in zip(LETTERS, order, strict=True)]
    return Problem(
        problem_id=f"{source.name}/{record}",
        statement=f"{question}\n\n" + "\n".join(choices),
        gold=LETTERS[order.index(0)],
        grader=GraderName.CHOICE,
        domain=Domain.STEM,
        source=source.name,
        license=source.license,
        category=row.text("High-level domain", optional=True).strip(),
        level=row.text("Writer's Difficulty Estimate", optional=True).strip(),
        reasoning=True,
        solution=row.text("Explanation", optional=True).strip(),
    )


def _cell(row: SourceRow, column: str) -> str:
    """The text of a column, which must not be empty."""
    text = row.text(column).strip()
    if not text:
        raise row.wrong(column, "text", text)
    return text
