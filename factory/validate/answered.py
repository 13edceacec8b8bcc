"""A suite's problems answered: by a model that is served, behind endpoints, or already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.generate.answerer import Answerer, answerers
from factory.generate.stage import generate_candidates
from factory.models import Model
from factory.parts import iter_columns
from factory.validate.asked import suite_of
from factory.validate.responses import StoredResponses, stored_candidates
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.teacher_settings import OpenaiTeacher, VllmTeacher
from schemas.validate_settings import Suite, Validate

Subject = Model | OpenaiTeacher | StoredResponses
"""Whose answers are measured: a model that is served here, one behind the endpoints of the machine
file, or responses to one suite that are there already."""


def answered(
    suites: Sequence[tuple[Suite, Path]],
    validate: Validate,
    subject: Subject,
    *,
    problems_dir: Path,
    machine: Machine,
    store: Path,
    vllm_args: Mapping[str, Any],
    out_dir: Path,
    key: str,
) -> StageResult:
    """The candidates of a validation, as those of a round of generation.

    Args:
        suites: Each with the artifact of its collected problems.
        problems_dir: All of them as they are asked.

    Raises:
        TeacherError: The model could not be served or asked.
        ImportedRowError: The responses are not what they should be.
    """
    if isinstance(subject, StoredResponses):
        ((suite, collected),) = suites
        return stored_candidates(
            problems_dir,
            suite,
            collected,
            subject,
            k=validate.k_of(suite),
            machine=machine,
            out_dir=out_dir,
            key=key,
        )
    return generate_candidates(
        problems_dir,
        [],
        as_generate(validate, subject, vllm_args),
        wanted=wanted_of(problems_dir, suites, validate),
        budget=validate.budget,
        round=1,
        seed=validate.seed,
        machine=machine,
        store=store,
        out_dir=out_dir,
        key=key,
        model=_served(subject),
    )


def answerer_of(
    validate: Validate, subject: Subject, vllm_args: Mapping[str, Any]
) -> Answerer | None:
    """Who is asked; nobody for responses that are there already.

    Raises:
        RecipeError, TeacherError: As for `answerers`.
    """
    if isinstance(subject, StoredResponses):
        return None
    generate = as_generate(validate, subject, vllm_args)
    return answerers(generate, validate.seed, _served(subject), validate.budget).reasoning


def as_generate(
    validate: Validate,
    subject: Model | OpenaiTeacher,
    vllm_args: Mapping[str, Any] | None = None,
) -> Generate:
    """A validation as the generation that it is: one round of k candidates per problem, whose
    statements are whole messages (`factory.validate.asked`)."""
    if isinstance(subject, OpenaiTeacher):
        teacher = subject
    else:
        teacher = VllmTeacher(
            engine="vllm",
            model=subject.name,
            revision=subject.revision,
            max_model_len=validate.max_model_len,
            dtype=validate.dtype,
            vllm_args=dict(vllm_args or {}),
        )
    return Generate(
        teacher=teacher,
        sampling=validate.sampling,
        prompt=validate.prompt.model_copy(update={"templates": {}}),
        candidates=validate.k,
        max_rounds=1,
    )


def wanted_of(
    problems_dir: Path, suites: Sequence[tuple[Suite, Path]], validate: Validate
) -> dict[str, range]:
    """Asked id -> indices of its candidates, by the suite's own k."""
    ks = {suite.name: validate.k_of(suite) for suite, _ in suites}
    return {
        one: range(ks[suite_of(one)])
        for table in iter_columns(problems_dir, "problems", ["problem_id"])
        for one in table["problem_id"].to_pylist()
    }


def _served(subject: Model | OpenaiTeacher) -> Model | None:
    return subject if isinstance(subject, Model) else None
