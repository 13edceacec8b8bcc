"""What a run needs on this machine, checked before any work starts."""

from __future__ import annotations

from collections.abc import Iterable, Set
from importlib.util import find_spec

from factory.errors import MissingDependency
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.recipe import (
    FileSource,
    HubSource,
    HumanEvalSource,
    MbppSource,
    ProceduralSource,
    Recipe,
    Source,
)


def check_needs(recipe: Recipe, machine: Machine, unfinished: Set[str]) -> None:
    """Raise for what the unfinished stages need and this machine lacks; takes seconds.

    Args:
        recipe: The run.
        machine: The machine file.
        unfinished: Names of the stages that still have work to do.

    Raises:
        MissingDependency: A package is not installed.
        SandboxUnavailable: Code must be run and Docker does not answer, or has no image.
        TeacherError: The teacher's endpoint does not answer, or vLLM refuses its arguments.
    """
    if "train" in unfinished:
        check_installed("train", ("torch", "transformers", "deepspeed"))
    if "validate" in unfinished:
        check_installed("validate", ("vllm",))
    if "generate" in unfinished:
        from factory.generate.preflight import check_teacher

        check_teacher(recipe.generate, machine)
    if unfinished & {"collect", "grade", "validate"} and runs_code(_all_sources(recipe)):
        from factory.grade.code import check_sandbox

        check_sandbox(machine.sandbox)


def check_installed(stage: str, packages: Iterable[str]) -> None:
    """Raise where a package is missing.

    Raises:
        MissingDependency: Names the package and how to install it.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingDependency(
            f"{stage}: expected the packages {', '.join(packages)}, missing {', '.join(missing)}; "
            f"`make setup` installs everything on CPU, README.md says how on a GPU"
        )


def runs_code(sources: Iterable[Source]) -> bool:
    """Whether a problem of these sources is graded by running programs."""
    return any(_runs_code(source) for source in sources)


def _runs_code(source: Source) -> bool:
    match source:
        case HumanEvalSource() | MbppSource():
            return True
        case ProceduralSource():
            return source.family == "python"
        case FileSource() | HubSource():
            return source.grader is GraderName.CODE
        case _:
            return False


def _all_sources(recipe: Recipe) -> list[Source]:
    suites = recipe.validation.suites if recipe.validation else []
    return [*recipe.collect.sources, *(source for suite in suites for source in suite.sources)]
