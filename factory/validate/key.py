"""What decides a validation: what the keys of its problems and of its scores digest.

The stages of a run and `retort validate` share it, so that both mean the same by a changed setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory.collect.sources import sources_fingerprint
from schemas.grade_settings import Grade
from schemas.validate_settings import Suite, Validate

SUITE_VERSION: Final = 3
"""Of the code that collects a suite's problems."""
CODE_VERSION: Final = 7
"""Of the code that asks, grades and scores."""


def suite_section(suite: Suite, grade: Grade, seed: int) -> dict[str, Any]:
    """What decides a suite's problems.

    Args:
        seed: Of `[validate]`: which problems a `limit` takes.

    Raises:
        RecipeError: The data of a source is not there.
        GraderError: A source names a grader that is not there.
    """
    return {
        "sources": suite.sources,
        "grade": grade,
        "seed": seed,
        "files": sources_fingerprint(suite.sources),
    }


def validation_section(
    validate: Validate, *, role: str, model: str, vllm_args: Mapping[str, Any]
) -> dict[str, Any]:
    """What decides a model's scores beside the problems.

    Args:
        model: Its identity; empty where a stage of the run makes it.
        vllm_args: With which it is served.
    """
    return {
        "validate": validate.model_dump(mode="json", exclude={"teacher"}),
        "role": role,
        "model": model,
        "vllm_args": dict(vllm_args),
    }
