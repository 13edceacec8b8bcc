"""Rows of LiveCodeBench's own JSONL files -> problems with all their tests, hidden ones included.

Scripts are graded as `stdio`, functions and LeetCode's methods by assertions, each program with
the imports before it that LiveCodeBench puts there and with limits of its own (`run` in the gold;
`factory.grade.code_run`). For measuring all tests count; only what a sandbox cannot take is left
out, and how many that were stands in the gold. `docs/suites.md` says what differs from
LiveCodeBench's own grading.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from factory.collect.admitted import Rejected
from factory.collect.livecodebench_tests import gold_of
from factory.collect.rows import SourceRow, read_rows
from factory.errors import RecipeError, SourceError
from factory.recipe_file import resolve
from schemas.problem import Domain, GraderName, Problem
from schemas.sample import Drop
from schemas.source_settings import LiveCodeBenchSource

DOWNLOAD: Final = (
    "hf download livecodebench/code_generation_lite --repo-type dataset --include 'test*.jsonl' "
    "--local-dir {folder}"
)

STARTER_LINE: Final = (
    "You will use the following starter code to write the solution to the problem and enclose your "
    "code within delimiters."
)
STDIN_LINE: Final = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly "
    "test on the sample inputs). Enclose your code within delimiters as follows."
)
"""LiveCodeBench's own words (`lcb_runner/prompts/code_generation.py`)."""


def problems(source: LiveCodeBenchSource) -> Iterator[Problem | Rejected]:
    """The problems of a source in the order of its rows, and those of other contests.

    Raises:
        SourceError: A file cannot be read, a row is wrong, or none is of the wanted contests.
        RecipeError: The path is not there.
    """
    good = others = 0
    for at, row in enumerate(read_rows(place(source))):
        held = _day(row)
        if (source.since and held < source.since) or (source.until and held > source.until):
            others += 1
            detail = f"contest_date is {held}"
            problem_id = f"{source.name}/{row.identifier('question_id', at)}"
            yield Rejected(problem_id, source.name, Drop.OTHER_KIND, detail)
            continue
        good += 1
        yield _problem(source, row, at)
    if not good:
        raise SourceError(
            f"source {source.name}: expected problems of contests from {source.since or 'any day'} "
            f"to {source.until or 'any day'}, found none and {others:,} of others "
            f"in {source.path}; download the files of these months: {download_command(source)}"
        )


def place(source: LiveCodeBenchSource) -> Path:
    """The file or folder of a source.

    Raises:
        RecipeError: It is not there; the message has the command that downloads it.
    """
    path = resolve(source.path)
    if not path.exists():
        raise RecipeError(
            f"source {source.name}: expected LiveCodeBench's files at {path}, found none; "
            f"download them: {download_command(source)}"
        )
    return path


def download_command(source: LiveCodeBenchSource) -> str:
    """What a user types to have a source's files; one of them has 1.2 GB."""
    return DOWNLOAD.format(folder=resolve(source.path))


def _day(row: SourceRow) -> date:
    text = row.text("contest_date")
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise row.wrong("contest_date", "a day", text) from error


def _problem(source: LiveCodeBenchSource, row: SourceRow, at: int) -> Problem:
    statement = row.text("question_content").strip()
    if not statement:
        raise row.wrong("question_content", "a statement", statement)
    starter = row.text("starter_code", optional=True)
    line, code = (STARTER_LINE, starter) if starter.strip() else (STDIN_LINE, "# YOUR CODE HERE")
    return Problem(
        problem_id=f"{source.name}/{row.identifier('question_id', at)}",
        statement=f"{statement}\n\n{line}\n```python\n{code}\n```",
        gold=row.unbroken("private_test_cases", gold_of(row, starter)),
        grader=GraderName.CODE,
        domain=Domain.CODE,
        source=source.name,
        license=source.license,
        category=row.label("platform"),
        level=row.label("difficulty"),
        reasoning=True,
        solution="",
    )
