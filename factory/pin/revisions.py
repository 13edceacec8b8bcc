"""Revisions of what a recipe takes from the hub: which are not pinned, and how they are pinned.

A name on the hub says neither which rows nor which weights; a full commit hash does. A branch or a
tag moves, so it pins nothing. Folders, embedded models and endpoints need no pin: their content, or
the user's own word, is what they are known by.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from factory.errors import RecipeError
from factory.pin.toml_places import Steps
from factory.recipe_file import ROOT
from schemas.collect_settings import Source
from schemas.known_suites import KNOWN_SUITES
from schemas.recipe import Recipe
from schemas.row_source_settings import HubSource, SftSource
from schemas.source_settings import GpqaSource
from schemas.teacher_settings import ImportTeacher, Teacher, VllmTeacher

Kind = Literal["dataset", "model"]
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True)
class Pin:
    """One place of a recipe that names something on the hub."""

    where: str
    """For people, e.g. `source deepmath` or `student r1-qwen-1.5b`."""
    kind: Kind
    name: str
    revision: str
    """As the recipe has it; empty, a branch or a tag where it is not pinned."""
    steps: Steps
    """The table of the recipe's file that holds it."""
    name_key: str
    """The key of the name in this table: `dataset`, `model` or `base`."""
    suite_steps: Steps | None = None
    """Of a suite that is known by its name: its table, which holds the revision where the file
    gives it no sources and so has no table at `steps`."""

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a full commit hash."""
        return _COMMIT.fullmatch(self.revision) is not None


def hub_names(recipe: Recipe) -> list[Pin]:
    """Every place of a recipe that names a dataset or a model on the hub, in the file's order."""
    return [one for one in _places_of(recipe) if is_hub_name(one.name)]


def unpinned(recipe: Recipe) -> list[Pin]:
    """Those of `hub_names` without a full commit hash."""
    return [one for one in hub_names(recipe) if not one.is_pinned]


def check_pinned(recipe: Recipe) -> None:
    """Return where everything from the hub has its commit hash.

    Raises:
        RecipeError: Something has none; all of them are named.
    """
    if missing := unpinned(recipe):
        raise RecipeError(
            f"recipe {recipe.name}: expected the full commit hash of each dataset and model of the "
            f"hub in `revision`, found none for {shown(missing)}; `retort pin RECIPE` asks the hub "
            f"and writes them"
        )


def shown(pins: Sequence[Pin]) -> str:
    """`source a (dataset x/y), student b (model z)`."""
    return ", ".join(f"{one.where} ({one.kind} {one.name})" for one in pins)


def is_hub_name(name: str) -> bool:
    """Whether a dataset or model is named as the hub names it: no folder, not embedded."""
    local = name.startswith(("./", "${RETORT_DATA}", "embedded:")) or (ROOT / name).is_dir()
    return bool(name) and not local


def _places_of(recipe: Recipe) -> Iterator[Pin]:
    for at, source in enumerate(recipe.collect.sources):
        yield from _of_source(source, f"source {source.name}", ("collect", "sources", at))
    for at, one in enumerate(recipe.collect.benchmarks):
        steps = ("collect", "benchmarks", at)
        yield Pin(f"benchmark {one.name}", "dataset", one.dataset, one.revision, steps, "dataset")
    generate = recipe.generate
    if isinstance(generate.teacher, ImportTeacher):
        for at, file in enumerate(generate.teacher.files):
            steps = ("generate", "teacher", "files", at)
            where = f"generations of {file.source}"
            yield Pin(where, "dataset", file.dataset, file.revision, steps, "dataset")
    teachers: list[tuple[Steps, str, Teacher]] = [
        (("generate", "teacher"), "teacher", generate.teacher)
    ]
    if generate.rest and generate.rest.teacher:
        teachers.append((("generate", "rest", "teacher"), "teacher of rest", generate.rest.teacher))
    if recipe.rewrite:
        teachers.append((("rewrite", "teacher"), "model of rewrite", recipe.rewrite.teacher))
    for steps, where, teacher in teachers:
        if isinstance(teacher, VllmTeacher):
            yield Pin(where, "model", teacher.model, teacher.revision, steps, "model")
    for at, student in enumerate(recipe.train.students if recipe.train else []):
        if isinstance(student.base, str):
            where, steps = f"student {student.name}", ("train", "students", at)
            yield Pin(where, "model", student.base, student.revision, steps, "base")
    for at, suite in enumerate(recipe.validation.suites if recipe.validation else []):
        for inner, source in enumerate(suite.sources):
            steps = ("validate", "suites", at, "sources", inner)
            where = f"suite {suite.name}, source {source.name}"
            for one in _of_source(source, where, steps):
                is_known = suite.name in KNOWN_SUITES
                yield replace(one, suite_steps=steps[:3] if is_known else None)


def _of_source(source: Source, where: str, steps: Steps) -> Iterator[Pin]:
    if isinstance(source, GpqaSource | HubSource | SftSource):
        yield Pin(where, "dataset", source.dataset, source.revision, steps, "dataset")


def resolve_revisions(pins: Sequence[Pin]) -> dict[Pin, str]:
    """The commit hash that each place means now, as the hub of `HF_ENDPOINT` says.

    A revision that is a branch or a tag is followed; an empty one and a commit hash mean the main
    branch. The token of `HF_TOKEN` is used and never shown.

    Raises:
        RecipeError: The hub cannot be reached, or some names are not there or closed to this
            token. All of these are named, and what was resolved beside them.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    asked: dict[tuple[Kind, str, str], str] = {}
    faults: dict[str, str] = {}
    for one in pins:
        branch = "" if one.is_pinned else one.revision
        question = (one.kind, one.name, branch)
        what = f"{one.kind} {one.name}" + (f" at {branch!r}" if branch else "")
        if question not in asked and what not in faults:
            answer, fault = _ask(api, one.kind, one.name, branch)
            if fault:
                faults[what] = fault
                if fault.startswith("cannot be reached"):
                    break
            else:
                asked[question] = answer
    if faults:
        known = ", ".join(f"{kind} {name} {sha}" for (kind, name, _), sha in asked.items())
        told = "; ".join(f"{what} {fault}" for what, fault in faults.items())
        raise RecipeError(
            f"hub {api.endpoint}: expected a commit for each name, found: {told}. Nothing was "
            f"written; resolved before or beside it: {known or 'none'}"
        )
    return {one: asked[one.kind, one.name, "" if one.is_pinned else one.revision] for one in pins}


def _ask(api: Any, kind: Kind, name: str, branch: str) -> tuple[str, str]:
    """The commit, or what is wrong in words that follow the name."""
    from huggingface_hub import errors

    info = api.dataset_info if kind == "dataset" else api.model_info
    try:
        found = info(name, revision=branch or None, timeout=_TIMEOUT_S)
        if found.gated:
            api.auth_check(name, repo_type=kind)
    except errors.GatedRepoError:
        return "", (
            f"is gated, and this token may not read it (ask for access on the page of the {kind}, "
            f"then set HF_TOKEN)"
        )
    except errors.RevisionNotFoundError:
        return "", "has no such branch or tag"
    except errors.RepositoryNotFoundError:
        return "", "is not there, or private (correct the name, or set HF_TOKEN)"
    except errors.HFValidationError:
        return "", "is no name that the hub could have"
    except errors.HfHubHTTPError as error:
        return "", f"was answered with HTTP {error.response.status_code}"
    except (errors.HTTPError, OSError) as error:  # pyright: ignore[reportPrivateImportUsage]
        return "", f"cannot be reached ({type(error).__name__}: {error})"
    if not _COMMIT.fullmatch(found.sha or ""):
        return "", f"was answered with {found.sha!r} for a commit"
    return found.sha, ""
