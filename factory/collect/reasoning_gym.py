"""Problems that a dataset of reasoning-gym makes, with what its scorer needs as their gold.

The package runs in the image of the scorers, not here: it is no dependency of ours, and problems
and scores come from one version of it, the one that `[grade.procedural]` names. The same source,
seed and version give the same problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from factory.digest import canonical_json
from factory.errors import SourceError
from factory.grade.procedural import ProceduralGrader
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName, Problem
from schemas.source_settings import ReasoningGymSource

_PER_CALL: Final = 5
"""Entries that one call in the sandbox returns: they may have 20 KB each, and 128 KiB pass."""

PROGRAM: Final = """
import json
import reasoning_gym

def plain(value):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return (tuple if isinstance(value, tuple) else list)(map(plain, value))
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return plain(value.item())

def make(dataset, config, seed, size, first, last):
    data = reasoning_gym.create_dataset(dataset, seed=seed, size=size, **config)
    made = []
    for number in range(first, last):
        entry = plain(dict(data[number]))
        about = entry["metadata"]
        about["difficulty"] = json.loads(json.dumps(about.get("difficulty")))  # no scorer reads it
        held = json.loads(json.dumps(entry)) == entry
        made.append((entry["question"], json.dumps(entry if held else repr(entry))))
    return made
"""


def problems(source: ReasoningGymSource, grade: Grade, machine: Machine) -> Iterator[Problem]:
    """`count` problems, in the order in which the dataset makes them.

    Raises:
        SourceError: reasoning-gym has no such dataset, or does not take the settings.
        SandboxUnavailable: The image of the scorers is missing or has another version.
    """
    firsts = range(0, source.count, _PER_CALL)
    with ProceduralGrader(grade.procedural, machine.sandbox) as scorers:

        def made(first: int) -> list[tuple[str, str]]:
            last = min(first + _PER_CALL, source.count)
            arguments = [source.dataset, source.config, source.seed, source.count, first, last]
            found = scorers.evaluate(PROGRAM, "make", arguments)
            if not isinstance(found.value, list):
                raise SourceError(
                    f"source {source.name}: expected entries {first} to {last - 1} of the dataset "
                    f"{source.dataset!r} of reasoning-gym, found {found.detail}; correct "
                    f"`dataset`, `config` or the limits of [grade.procedural]"
                )
            return found.value

        chunks: list[list[tuple[str, str]]] = scorers.evaluate_all(made, firsts)
    entries = [one for chunk in chunks for one in chunk]
    for number, (statement, entry) in enumerate(entries):
        yield _problem(source, number, statement, entry)


def _problem(source: ReasoningGymSource, number: int, statement: str, entry: str) -> Problem:
    config = f'"config":{canonical_json(source.config)},' if source.config else ""
    return Problem(
        problem_id=f"{source.name}/{number}",
        statement=statement,
        gold=f'{{{config}"dataset":{canonical_json(source.dataset)},"entry":{entry}}}',
        grader=GraderName.PROCEDURAL,
        domain=source.domain,
        source=source.name,
        license=source.license,
        category=source.dataset,
        level="",
        reasoning=True,
        solution="",
    )
