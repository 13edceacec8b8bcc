"""Sources -> problems: which adapter reads which kind of source.

Problem ids are `{source.name}/{id}`, with the id of the source where it has one and the row number
from 0 where it has none, so they do not depend on `limit`, seed or other sources.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from factory.collect import gpqa, known_sets, livecodebench
from factory.collect.admitted import Rejected, admitted
from factory.collect.mapped import mapped, rows_of
from factory.collect.rows import read_rows
from factory.collect.sft import passed_through, sft_rows
from factory.digest import fingerprint
from factory.errors import SourceError
from factory.grade.registry import package_of
from factory.hub import hub_fingerprint
from factory.recipe_file import existing
from schemas.collect_settings import Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.row_source_settings import FileSource, HubSource, SftSource
from schemas.sample import Drop
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


@dataclass(frozen=True)
class Reading:
    """What was taken from a source."""

    problems: list[Problem]
    """In the order of the source."""
    beyond_limit: list[str]
    """Ids of the problems that `limit` left out."""
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    """Rows of other kinds, and bad ones of a source with `skip_bad`."""


def read_source(
    source: Source, seed: int, grade: Grade | None = None, machine: Machine | None = None
) -> Reading:
    """The problems of a source: all, or the first `limit` ones in a shuffle seeded by `seed`.

    Args:
        grade, machine: For sources that make their problems in the sandbox; None: the defaults.

    Raises:
        SourceError: A file cannot be read, a row is wrong, or an id comes twice.
        RecipeError: The path of the source is not there.
        SandboxUnavailable: The source needs the sandbox and it is not there.
    """
    problems: list[Problem] = []
    rejected: list[Rejected] = []
    seen: set[str] = set()
    for one in _read(source, grade, machine):
        if isinstance(one, Rejected):
            rejected.append(one)
        elif one.problem_id not in seen:
            seen.add(one.problem_id)
            problems.append(one)
        elif isinstance(source, FileSource | HubSource | SftSource) and source.skip_bad:
            twice = f"the id {one.problem_id!r} came before"
            rejected.append(Rejected(one.problem_id, source.name, Drop.BAD_ROW, twice))
        else:
            raise SourceError(
                f"source {source.name}: expected ids that differ, found {one.problem_id!r} "
                f"twice; correct the column of ids, or name none to count rows"
            )
    if source.limit is None or source.limit >= len(problems):
        return Reading(problems, [], rejected)
    positions = list(range(len(problems)))
    random.Random(f"limit/{seed}/{source.name}").shuffle(positions)
    taken = set(positions[: source.limit])
    return Reading(
        [problem for at, problem in enumerate(problems) if at in taken],
        [problem.problem_id for at, problem in enumerate(problems) if at not in taken],
        rejected,
    )


def iter_problems(
    source: Source, grade: Grade | None = None, machine: Machine | None = None
) -> Iterator[Problem]:
    """All problems of a source in its order, whatever its limit.

    Raises:
        SourceError, RecipeError, SandboxUnavailable: As for `read_source`.
    """
    return (one for one in _read(source, grade, machine) if isinstance(one, Problem))


def _read(
    source: Source, grade: Grade | None, machine: Machine | None
) -> Iterator[Problem | Rejected]:
    match source:
        case Gsm8kSource() | MathSource() | HumanEvalSource() | MbppSource():
            return _known(source)
        case GpqaSource():
            return gpqa.problems(source)
        case LiveCodeBenchSource():
            return livecodebench.problems(source)
        case FileSource() | HubSource():
            return admitted(source, rows_of(source), mapped)
        case SftSource():
            return admitted(source, sft_rows(source), passed_through)
        case ProceduralSource():
            from factory.collect.procedural import problems

            return problems(source)
        case ReasoningGymSource():
            from factory.collect import reasoning_gym

            return reasoning_gym.problems(source, grade or Grade(), machine or Machine())


def _known(source: known_sets.KnownSet) -> Iterator[Problem]:
    adapt = known_sets.ADAPTERS[source.kind]
    rows = read_rows(existing(source.path, f"source {source.name}"))
    return (adapt(source, row, at) for at, row in enumerate(rows))


def sources_fingerprint(sources: Sequence[Source]) -> dict[str, str]:
    """Name of each source -> digest of what it reads, for keys; the settings are in the recipe.

    Where its grader is of another package, the version of that belongs to it: another version
    may give other verdicts.

    Raises:
        RecipeError: The path of a source is not there.
        GraderError: A source names a grader that is not there.
    """
    return {source.name: _fingerprint(source) for source in sources}


def _fingerprint(source: Source) -> str:
    who = f"source {source.name}"
    match source:
        case ProceduralSource():
            from factory.collect.procedural import VERSION

            return f"procedural {VERSION}"
        case ReasoningGymSource():
            return "reasoning-gym"  # its version is a setting of `[grade.procedural]`
        case HubSource():
            found = hub_fingerprint(source, who)
        case GpqaSource() | SftSource() if source.dataset:
            found = hub_fingerprint(source, who)
        case LiveCodeBenchSource():
            return fingerprint(livecodebench.place(source))
        case _:
            found = fingerprint(existing(source.path, who))
    if isinstance(source, FileSource | HubSource) and (package := package_of(source.grader)):
        return f"{found} graded by {package}"
    return found
