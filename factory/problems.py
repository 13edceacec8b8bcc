"""The problems that `collect` admitted, as the stages after it look them up."""

from __future__ import annotations

from pathlib import Path

from factory.parts import iter_parts
from schemas.arrow import PROBLEM
from schemas.problem import Problem


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
