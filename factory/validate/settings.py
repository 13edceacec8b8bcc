"""`settings.json` of a validation: what a reader needs to say how its scores came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from factory.collect.sources import sources_fingerprint
from factory.generate.answerer import Answerer
from factory.models import Model, context_tokens
from factory.parts import iter_columns, read_manifest
from factory.problems import read_problems
from factory.validate.answered import Subject
from factory.validate.asked import suite_of
from factory.validate.responses import StoredResponses
from schemas.grade_settings import Grade
from schemas.problem import Problem
from schemas.teacher_settings import OpenaiTeacher
from schemas.validate_settings import Suite, Validate

SETTINGS_FILE: Final = "settings.json"


def validation_settings(
    suites: Sequence[tuple[Suite, Path]],
    validate: Validate,
    grade: Grade,
    *,
    model: Subject,
    by: Answerer | None,
    vllm_args: Mapping[str, Any],
    out_dir: Path,
) -> dict[str, Any]:
    """Plain values.

    `model`: name, revision, how it was asked (`vllm`, `openai`, `import`), its context and the
    digest of its chat template; `engines` that answered; `sampling`, `seed`, `prompt` and the rest
    of `[validate]`, only `k` and `best_of` where the responses were there already; `grade`;
    `suites`: each with its table, what its sources' data digests to, its problems' digest and
    number, and the whole prompt of its first problem.

    Args:
        suites: Each with the artifact of its collected problems.
        by: Who was asked; None where nobody was.
        out_dir: With the asked problems and the candidates.

    Raises:
        RecipeError, TeacherError: A file of a suite or a model has gone meanwhile.
    """
    first: dict[str, Problem] = {}
    for problem in read_problems(out_dir / "problems").values():
        first.setdefault(suite_of(problem.problem_id), problem)
    asked = validate.model_dump(mode="json", exclude={"suites", "teacher"})
    counted = validate.model_dump(mode="json", include={"k", "best_of"}, exclude_none=True)
    return {
        "model": _model(model, by),
        "vllm_args": dict(vllm_args),
        "engines": _engines(out_dir),
        "validate": counted if by is None else asked,
        "grade": grade.model_dump(mode="json"),
        "suites": {
            suite.name: {
                **suite.model_dump(mode="json", exclude={"name"}),
                "k": validate.k_of(suite),
                "files": sources_fingerprint(suite.sources),
                "problems": read_manifest(folder).ledger.rows_out,
                "problems_digest": read_manifest(folder).digest,
                "left_out": read_manifest(folder).ledger.drops,
                "first_prompt": _prompt(first[suite.name], by),
            }
            for suite, folder in suites
        },
    }


def _model(model: Subject, by: Answerer | None) -> dict[str, Any]:
    match model:
        case Model():
            return {
                "name": model.name,
                "revision": model.revision,
                "asked_by": "vllm",
                "context_tokens": context_tokens(model),
                "template_sha256": by.template.digest if by and by.template else None,
            }
        case OpenaiTeacher():
            return {"name": model.model, "revision": model.revision, "asked_by": "openai"}
        case StoredResponses():
            return {"name": model.name, "revision": model.revision, "asked_by": "import"}


def _engines(out_dir: Path) -> list[str]:
    found: set[str] = set()
    for table in iter_columns(out_dir / "candidates", "candidates", ["engine"]):
        found |= set(table["engine"].to_pylist())
    return sorted(found)


def _prompt(problem: Problem, by: Answerer | None) -> Any:
    """The text, or the messages where the server renders them; None where nobody was asked."""
    if by is None:
        return None
    rendered = by.render(problem)
    return rendered.text or [one.model_dump() for one in rendered.messages]
