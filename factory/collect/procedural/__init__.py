"""Problems made by a seeded program: arithmetic, python, chat and identity, in three splits.

`problems` gives what a recipe's procedural source asks for; `traced` gives the same problems with
a correct completion each, which is what the embedded models learn from.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

from factory.collect.procedural import arithmetic, chat, identity, python_tasks
from factory.collect.procedural.splits import Drawn, split_of
from factory.digest import digest
from factory.errors import SourceError
from schemas.problem import Domain, GraderName, Problem
from schemas.source_settings import ProceduralSource

VERSION: Final = 2
"""Raised when the same source and seed would give other problems."""

_PATIENCE: Final = 20_000
"""Draws in a row without a new problem after which a family counts as exhausted."""

_Draw = Callable[[random.Random], Drawn]
_FAMILIES: Final[dict[str, tuple[_Draw, Domain, GraderName, bool]]] = {
    "arithmetic": (arithmetic.draw, Domain.MATH, GraderName.MATH, True),
    "python": (python_tasks.draw, Domain.CODE, GraderName.CODE, True),
    "chat": (chat.draw, Domain.GENERAL, GraderName.TEXT, False),
    "identity": (identity.draw, Domain.GENERAL, GraderName.JUDGE, False),
}


def problems(source: ProceduralSource) -> Iterator[Problem]:
    """The problems of a source: `count` of them, no statement twice, the same for the same seed.

    Raises:
        SourceError: The split of this family has fewer problems than `count`.
    """
    for drawn in _draw(source):
        yield _problem(source, drawn)


def traced(source: ProceduralSource) -> Iterator[tuple[Problem, str]]:
    """The same problems as `problems`, each with a correct completion.

    A completion of a reasoning problem is `<think>`, the trace, `</think>` and the answer; others
    are the answer alone.

    Raises:
        SourceError: As for `problems`.
    """
    for number, drawn in enumerate(_draw(source)):
        rng = random.Random(f"trace {source.family} {source.split} {source.seed} {number}")
        yield _problem(source, drawn), _told(source, drawn.trace(rng))


def _draw(source: ProceduralSource) -> Iterator[Drawn]:
    draw = _FAMILIES[source.family][0]
    rng = random.Random(f"{source.family} {source.split} {source.seed}")
    seen: set[str] = set()
    missed = 0
    while len(seen) < source.count:
        drawn = draw(rng)
        if split_of(source.family, drawn.skeleton) != source.split or drawn.statement in seen:
            missed += 1
            if missed > _PATIENCE:
                raise SourceError(
                    f"source {source.name}: expected {source.count} different problems of family "
                    f"{source.family}, split {source.split}, found {len(seen)}; lower `count`"
                )
            continue
        missed = 0
        seen.add(drawn.statement)
        yield drawn


def _problem(source: ProceduralSource, drawn: Drawn) -> Problem:
    _, domain, grader, reasoning = _FAMILIES[source.family]
    statement = _told(source, drawn.statement)
    return Problem(
        problem_id=f"{source.name}/{digest(statement)[:12]}",
        statement=statement,
        gold=_told(source, drawn.gold),
        grader=grader,
        domain=domain,
        source=source.name,
        license=source.license,
        category=drawn.category,
        level=drawn.level,
        reasoning=reasoning,
        solution=_told(source, drawn.solution),
    )


def _told(source: ProceduralSource, text: str) -> str:
    """The text with the source's settings in their places, where the family has any."""
    for name, value in source.settings.items():
        text = text.replace(f"{{{name}}}", value)
    return text
