"""Small finished validations, written by hand for the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.digest import canonical_json
from factory.ledger import entry
from factory.parts import parts_digest, write_manifest
from schemas.arrow import PROBLEM, VERDICT
from schemas.manifest import Manifest
from schemas.score import Score
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import Graded, problem, verdict_row, write_artifact

Answered = Mapping[str, Sequence[bool]]
"""Asked id -> which of its candidates are correct, as far as they came."""


def write_validated(
    folder: Path,
    answered: Answered,
    *,
    model: str = "unit",
    role: str = "student",
    k: Mapping[str, int],
    temperature: float | None = 0.6,
    statements: Mapping[str, str] | None = None,
    figures: Mapping[str, Any] | None = None,
) -> Path:
    """A finished validation.

    Args:
        k: Suite -> candidates per problem.
        statements: Of problems that ask another thing than their id says.
    """
    statements = statements or {}
    problems = [problem(asked, statement=statements.get(asked, asked)) for asked in answered]
    verdicts = [
        Graded(asked, index, "", Status.CORRECT if right else Status.INCORRECT)
        for asked, candidates in answered.items()
        for index, right in enumerate(candidates)
    ]
    rows = [one.model_dump(mode="json") for one in problems]
    write_artifact(folder / "problems", "validate:problems", "problems", rows, PROBLEM)
    graded = [verdict_row(one) for one in verdicts]
    write_artifact(folder / "verdicts", "validate:verdicts", "verdicts", graded, VERDICT)
    scores = [
        _score(suite, drawn, model=model, role=role, temperature=temperature)
        for suite, drawn in [*k.items(), ("all", max(k.values()))]
    ]
    (folder / "scores.json").write_text(canonical_json(scores))
    write_manifest(
        folder,
        Manifest(
            stage="validate",
            recipe="unit",
            key="k",
            code_version=5,
            inputs={},
            parts=[],
            digest=parts_digest([]),
            ledger=entry(f"validate:{role}:{model}", len(verdicts), len(verdicts), {}),
            figures=dict(figures or {}),
            created_unix_s=0.0,
            wall_s=0.0,
            versions={},
        ),
    )
    return folder


def _score(suite: str, k: int, **fields: Any) -> Score:
    numbers = {"value": 0.5, "stderr": 0.1, "low": 0.3, "high": 0.7, "n": 3, "seed": 7}
    return Score.model_validate(
        {"arch": "qwen2", "suite": suite, "metric": "pass@1", "k": k, **numbers, **fields}
    )
