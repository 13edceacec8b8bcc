"""The problems that `collect` admitted, as the stages after it look them up."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from factory.parts import iter_columns, iter_parts
from schemas.arrow import PROBLEM
from schemas.problem import Problem


class Kind(NamedTuple):
    """What is counted of a problem; problems of one kind share it."""

    domain: str
    category: str
    grader: str
    given: bool
    """Whether its answer came with it, by an author, so that no candidate is drawn."""


def read_problems(folder: Path) -> dict[str, Problem]:
    """Problems by id, in the order of the parts, from a finished artifact of `collect`.

    Raises:
        ManifestMismatch, SchemaMismatch: The artifact is not whole.
    """
    return {
        row["problem_id"]: Problem.model_validate(row)
        for table in iter_parts(folder, "problems", PROBLEM)
        for row in table.to_pylist()
    }


def problem_kinds(folder: Path) -> dict[str, Kind]:
    """The kind of each problem by id: little memory, however long statements and golds are.

    Raises:
        ManifestMismatch: The artifact is not whole.
    """
    shared: dict[Kind, Kind] = {}
    found: dict[str, Kind] = {}
    names = ["problem_id", "domain", "category", "grader", "author"]
    for table in iter_columns(folder, "problems", names):
        for problem_id, domain, category, grader, author in zip(
            *(table[name].to_pylist() for name in names), strict=True
        ):
            kind = Kind(domain, category, grader, bool(author))
            found[problem_id] = shared.setdefault(kind, kind)
    return found
