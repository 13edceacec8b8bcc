"""How many problems each source of a recipe has, as far as it can be known without reading them.

Rows of local files are counted, not read: rows that `where` leaves out, duplicates and rejected
golds are still in the count, so it is the most that a source can give.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from factory.errors import RecipeError, SourceError
from factory.files.row_files import SUFFIXES
from factory.pin.revisions import is_hub_name
from factory.recipe_file import existing
from schemas.collect_settings import Source
from schemas.problem import AnyGrader, Domain, GraderName
from schemas.row import Row
from schemas.row_source_settings import FileSource, HubSource, SftSource
from schemas.source_settings import (
    GpqaSource,
    Gsm8kSource,
    HumanEvalSource,
    LiveCodeBenchSource,
    MathSource,
    MbppSource,
    ProceduralSource,
    ReasoningGymSource,
)

Reasoning = Literal["always", "never", "auto"]
KnownBy = Literal[
    "limit",
    "count",
    "rows of the file",
    "nothing: unknown until downloaded",
    "nothing: it is not there",
]


class SourcePlan(Row):
    """What a source may give."""

    name: str
    domain: Domain
    reasoning: Reasoning
    """Whether its problems are answered with a chain of thought."""
    problems: int | None
    """At most; None: unknown until it is downloaded."""
    known_by: KnownBy
    drawn: bool
    """False for conversations that are passed through: nothing is drawn for them."""
    votes: bool
    """Its candidates vote on the answer, so they are asked for once."""
    judged: bool
    """A model decides about its answers."""


def plan_sources(sources: Sequence[Source]) -> list[SourcePlan]:
    """What each source may give, in the order of the recipe.

    Raises:
        SourceError: A local file cannot be counted.
    """
    return [_plan(source) for source in sources]


def _plan(source: Source) -> SourcePlan:
    domain, reasoning, grader = _kind(source)
    problems, known_by = _count(source)
    return SourcePlan(
        name=source.name,
        domain=domain,
        reasoning=reasoning,
        problems=problems,
        known_by=known_by,
        drawn=not isinstance(source, SftSource),
        votes=grader is GraderName.MAJORITY,
        judged=grader is GraderName.JUDGE,
    )


def _kind(source: Source) -> tuple[Domain, Reasoning, AnyGrader]:
    match source:
        case Gsm8kSource() | MathSource():
            return Domain.MATH, "always", GraderName.MATH
        case HumanEvalSource() | MbppSource() | LiveCodeBenchSource():
            return Domain.CODE, "always", GraderName.CODE
        case GpqaSource():
            return Domain.STEM, "always", GraderName.CHOICE
        case FileSource() | HubSource():
            how = source.reasoning
            asked = "auto" if how == "auto" else "always" if how else "never"
            return source.domain, asked, source.grader
        case SftSource():
            return source.domain, "never", GraderName(source.grader)
        case ReasoningGymSource():
            return source.domain, "always", GraderName.PROCEDURAL
        case ProceduralSource():
            from factory.collect.procedural import problems

            one = next(iter(problems(source.model_copy(update={"count": 1}))))
            return one.domain, "always" if one.reasoning else "never", one.grader


def _count(source: Source) -> tuple[int | None, KnownBy]:
    if isinstance(source, ProceduralSource | ReasoningGymSource):
        if source.limit is not None and source.limit < source.count:
            return source.limit, "limit"
        return source.count, "count"
    try:
        rows = _local_rows(source)
    except RecipeError:
        if not isinstance(source, LiveCodeBenchSource) or source.limit is None:
            return None, "nothing: it is not there"
        rows = None  # to be downloaded, like a dataset of the hub
    if rows is not None and (source.limit is None or rows <= source.limit):
        return rows, "rows of the file"
    if source.limit is not None:
        return source.limit, "limit"
    return None, "nothing: unknown until downloaded"


def _local_rows(source: Source) -> int | None:
    """Rows of a source's files; None where they are on the hub.

    Raises:
        RecipeError: They are not there.
    """
    who = f"source {source.name}"
    if path := getattr(source, "path", ""):
        return count_rows(existing(path, who))
    if isinstance(source, GpqaSource | HubSource | SftSource) and not is_hub_name(source.dataset):
        return _count_split(existing(source.dataset, who), source.split)
    return None


def count_rows(path: Path) -> int:
    """Rows of a JSONL, gzipped JSONL or Parquet file, or of all such files of a folder.

    Raises:
        SourceError: A file cannot be read.
    """
    files = [path]
    if path.is_dir():
        files = [file for file in path.iterdir() if file.name.endswith(SUFFIXES)]
    return sum(_rows_of(file) for file in files)


def _count_split(folder: Path, split: str) -> int | None:
    """Rows of the files of a local copy whose path names the split; None where none does."""
    files = [
        file
        for file in folder.rglob("*")
        if file.name.endswith(SUFFIXES) and split in file.relative_to(folder).as_posix()
    ]
    return sum(_rows_of(file) for file in files) if files else None


def _rows_of(file: Path) -> int:
    try:
        if file.suffix == ".parquet":
            return int(pq.read_metadata(file).num_rows)
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except (OSError, EOFError, ValueError) as error:
        raise SourceError(
            f"{file}: its rows cannot be counted ({error}); check that it is whole"
        ) from error
