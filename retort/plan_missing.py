"""What this machine lacks for a whole run of a recipe, each with its remedy. Starts nothing, asks
no endpoint and no hub, and loads no heavy library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from factory.collect.livecodebench import download_command
from factory.errors import RecipeError
from factory.pin.revisions import is_hub_name, unpinned
from factory.plan.run_plan import Plan
from factory.preflight import TRAIN_PACKAGES, runs_code
from factory.recipe_file import existing
from factory.validate.rating_endpoints import endpoints_of
from retort.plan_hardware import lacking_disk, lacking_gpus
from retort.plan_lack import Lack, missing
from sandboxes.engine import check
from schemas.collect_settings import Source
from schemas.machine import Endpoints, Machine
from schemas.problem import GraderName
from schemas.recipe import Recipe
from schemas.row_source_settings import HubSource, SftSource
from schemas.source_settings import GpqaSource, LiveCodeBenchSource, ReasoningGymSource
from schemas.teacher_settings import ImportTeacher, OpenaiTeacher, VllmTeacher

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def lacks(recipe: Recipe, machine: Machine, plan: Plan) -> list[Lack]:
    """Everything that is missing, or perhaps, in the order in which a run would need it."""
    return [
        *_pins(recipe),
        *_files(recipe),
        *_packages(recipe),
        *_endpoints(recipe, machine, plan),
        *_sandbox(recipe, machine),
        *lacking_gpus(plan),
        *lacking_disk(machine, plan),
    ]


def _pins(recipe: Recipe) -> Iterator[Lack]:
    if found := unpinned(recipe):
        names = dict.fromkeys(f"{one.kind} {one.name}" for one in found)
        yield missing(f"revisions of {len(names)}: {', '.join(names)}", "retort pin RECIPE")


def _sources(recipe: Recipe) -> list[Source]:
    suites = recipe.validation.suites if recipe.validation else []
    return [*recipe.collect.sources, *(one for suite in suites for one in suite.sources)]


def _files(recipe: Recipe) -> Iterator[Lack]:
    """Files and folders that the recipe names and that are not there."""
    places: list[tuple[str, str]] = []
    downloads: dict[str, str] = {}
    for source in _sources(recipe):
        if isinstance(source, LiveCodeBenchSource):
            downloads[f"source {source.name}"] = download_command(source)
        where = [getattr(source, "path", "")]
        if isinstance(source, GpqaSource | HubSource | SftSource) and not is_hub_name(
            source.dataset
        ):
            where.append(source.dataset)
        places += [(place, f"source {source.name}") for place in where]
    teacher = recipe.generate.teacher
    if isinstance(teacher, ImportTeacher):
        for file in teacher.files:
            where = [file.path, "" if is_hub_name(file.dataset) else file.dataset]
            places += [(place, f"generations of {file.source}") for place in where]
    models = [(one.model, role) for role, one in _served(recipe) if isinstance(one, VllmTeacher)]
    for student in recipe.train.students if recipe.train else []:
        if isinstance(student.base, str):
            models.append((student.base, f"student {student.name}"))
    places += [one for one in models if not is_hub_name(one[0])]
    places.append((recipe.grade.judge.labels, "grade.judge.labels"))
    for place, who in places:
        if place and not place.startswith("embedded:"):
            try:
                existing(place, who)
            except RecipeError as error:
                remedy = downloads.get(who, "put it there, or correct the recipe")
                yield missing(f"{error}", remedy)


def _served(recipe: Recipe) -> list[tuple[str, VllmTeacher | OpenaiTeacher]]:
    """(role, model) of all that answer for the dataset."""
    found: list[tuple[str, VllmTeacher | OpenaiTeacher]] = []
    if not isinstance(recipe.generate.teacher, ImportTeacher):
        found.append(("teacher", recipe.generate.teacher))
    if recipe.generate.rest and recipe.generate.rest.teacher:
        found.append(("rest", recipe.generate.rest.teacher))
    if recipe.rewrite:
        found.append(("rewrite", recipe.rewrite.teacher))
    return found


def _packages(recipe: Recipe) -> Iterator[Lack]:
    wanted = {"pyarrow", "polars", "sympy", "datasets", "luigi"}
    if recipe.validation or any(isinstance(one, VllmTeacher) for _, one in _served(recipe)):
        wanted.add("vllm")
    if recipe.train:
        wanted |= set(TRAIN_PACKAGES)
    absent = sorted(name for name in wanted if find_spec(name) is None)
    if absent:
        yield missing(f"packages {', '.join(absent)}", "make setup, or make setup-gpu")


def _endpoints(recipe: Recipe, machine: Machine, plan: Plan) -> Iterator[Lack]:
    own = {"rest": machine.rest, "rewrite": machine.rewrite}
    asked = [
        (f"[{role}.teacher]" if own.get(role) else "[teacher]", role, machine.serving(role).teacher)
        for role, one in _served(recipe)
        if isinstance(one, OpenaiTeacher)
    ]
    judged = any(getattr(one, "grader", "") == GraderName.JUDGE for one in _sources(recipe))
    if plan.judged or judged:
        asked.append(("[judge]", "judge", machine.judge))
        if not recipe.grade.judge.model:
            yield missing("the name of the judge", "set grade.judge.model in the recipe")
    if recipe.validation and (best_of := recipe.validation.best_of):
        asked.append(
            (f"[{best_of.by}]", f"{best_of.by} of best_of", endpoints_of(best_of, machine))
        )
    for table, role, endpoints in asked:
        if not endpoints.base_urls:
            yield missing(
                f"addresses of the {role}",
                f'add base_urls = ["http://…/v1"] to {table} of the machine file (--machine FILE)',
            )
        elif not os.environ.get(endpoints.api_key_env) and _is_elsewhere(endpoints):
            yield Lack(
                state="perhaps",
                what=f"a key for the {role}: {endpoints.api_key_env} is not set",
                remedy=f"export {endpoints.api_key_env}=…, if its endpoints want one",
            )


def _is_elsewhere(endpoints: Endpoints) -> bool:
    return any(urlsplit(url).hostname not in _LOCAL for url in endpoints.base_urls)


def _sandbox(recipe: Recipe, machine: Machine) -> Iterator[Lack]:
    sources = _sources(recipe)
    scorers = any(
        isinstance(one, ReasoningGymSource) or getattr(one, "grader", "") == GraderName.PROCEDURAL
        for one in sources
    )
    if not scorers and not runs_code(sources):
        return
    report = check(machine.sandbox.image)
    if not report.answers:
        yield missing("a Docker engine, for programs and scorers", report.problem)
        return
    if runs_code(sources):
        for problem in report.missing:
            yield missing("the sandbox for programs", problem)
    if scorers and not check(machine.sandbox.scorers_image).image_present:
        yield missing(
            f"the image {machine.sandbox.scorers_image}", "python -m sandboxes.image build scorers"
        )
