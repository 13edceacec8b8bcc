"""What a run needs on this machine, checked before any work starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from importlib.util import find_spec
from typing import Final

from factory.errors import MissingDependency
from factory.executor import cluster_of
from factory.licences import check_licences
from factory.pin.revisions import check_pinned
from schemas.collect_settings import Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.recipe import Recipe
from schemas.row_source_settings import FileSource, HubSource, SftSource
from schemas.source_settings import (
    HumanEvalSource,
    LiveCodeBenchSource,
    MbppSource,
    ProceduralSource,
    ReasoningGymSource,
)

TRAIN_PACKAGES: Final = ("torch", "transformers", "deepspeed", "tensorboard")


def check_needs(recipe: Recipe, machine: Machine, unfinished: Set[str]) -> None:
    """Raise for what the unfinished stages need and this machine lacks; takes seconds.

    Args:
        recipe: The run.
        machine: The machine file.
        unfinished: Names of the tasks that still have work to do.

    Raises:
        RecipeError: Something from the hub has no revision, a model's settings are wrong, or a
            licence forbids the use of the dataset.
        MissingDependency: A package is not installed.
        SandboxUnavailable: Code or a scorer must be run and Docker does not answer, or has no
            image.
        TeacherError: An endpoint of a teacher, of the judge or of a rater cannot be asked.
        ClusterError: The machine file names a Ray cluster, and none answers or a node of it is not
            like this machine.
    """
    check_pinned(recipe)
    check_licences(recipe)
    if machine.executor == "ray" and unfinished:
        from factory.cluster.checked import check_cluster

        check_cluster(cluster_of(machine))
    if "TrainStudent" in unfinished:
        check_installed("train", TRAIN_PACKAGES)
    if "ValidateModel" in unfinished:
        check_installed("validate", ("vllm",))
    if {"GenerateCandidates", "RewriteCandidates"} & unfinished:
        from factory.generate.preflight import check_models

        check_models(recipe, machine)
    graded = list(_graded_sources(recipe, unfinished))
    check_graders(graded, recipe.grade, machine)
    if "ValidateModel" in unfinished and recipe.validation and recipe.validation.best_of:
        from factory.validate.rating_endpoints import check_rater

        check_rater(recipe.validation.best_of, machine)


def check_graders(sources: Sequence[Source], grade: Grade, machine: Machine) -> None:
    """Return if the answers to problems of these sources can be graded here.

    Raises:
        SandboxUnavailable: Code or a scorer must be run and Docker does not answer, or has no
            image.
        TeacherError: The judge's endpoint cannot be asked.
    """
    if runs_code(sources):
        from factory.grade.code import check_sandbox

        check_sandbox(machine.sandbox)
    if any(_needs_scorers(source) for source in sources):
        from factory.grade.procedural import check_scorers

        check_scorers(machine.sandbox)
    if any(_asks_a_judge(source) for source in sources):
        from factory.grade.judge_endpoints import check_judge

        check_judge(grade, machine)


def check_installed(stage: str, packages: Iterable[str]) -> None:
    """Raise where a package is missing.

    Raises:
        MissingDependency: Names the package and how to install it.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingDependency(
            f"{stage}: expected the packages {', '.join(packages)}, missing {', '.join(missing)}; "
            f"`make setup` installs everything on CPU, `make setup-gpu` on a GPU"
        )


def runs_code(sources: Iterable[Source]) -> bool:
    """Whether a problem of these sources is graded by running programs."""
    return any(_runs_code(source) for source in sources)


def _runs_code(source: Source) -> bool:
    match source:
        case HumanEvalSource() | MbppSource() | LiveCodeBenchSource():
            return True
        case ProceduralSource():
            return source.family == "python"
        case FileSource() | HubSource():
            return source.grader is GraderName.CODE
        case _:
            return False


def _needs_scorers(source: Source) -> bool:
    if isinstance(source, ReasoningGymSource):
        return True
    return isinstance(source, FileSource | HubSource) and source.grader is GraderName.PROCEDURAL


def _asks_a_judge(source: Source) -> bool:
    if isinstance(source, ProceduralSource):
        return source.family == "identity"
    return isinstance(source, FileSource | HubSource | SftSource) and source.grader == "judge"


def _graded_sources(recipe: Recipe, unfinished: Set[str]) -> Iterator[Source]:
    """The sources whose problems are still to be made or graded."""
    if {"CollectProblems", "GradeCandidates"} & unfinished:
        yield from recipe.collect.sources
    if recipe.validation and recipe.collect.decontaminate and "CollectProblems" in unfinished:
        for suite in recipe.validation.suites:  # read, to keep their problems out
            yield from (one for one in suite.sources if isinstance(one, ReasoningGymSource))
    if recipe.validation and {"CollectSuite", "ValidateModel"} & unfinished:
        for suite in recipe.validation.suites:
            yield from suite.sources
