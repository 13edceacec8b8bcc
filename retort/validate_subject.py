"""The arguments of `retort validate` -> what is measured, how, and on which machine."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from factory.errors import RecipeError
from factory.models import context_tokens
from factory.recipe_file import load_machine, load_validate_recipe, wrong_fields
from factory.validate.alone import Alone, alone
from factory.validate.chosen import Wishes, chosen
from factory.validate.context import WANTED, Lengths, lengths
from factory.validate.given_model import given_model
from factory.validate.responses import stored_responses
from schemas.machine import Endpoints, Machine
from schemas.recipe import ValidateRecipe
from schemas.teacher_settings import OpenaiTeacher

_UNKNOWN = "unknown"
_ASKED = ("max_tokens", "max_model_len", "temperature", "top_p", "think", "dtype", "revision")


@dataclass(frozen=True)
class _Given:
    """What all ways of measuring are told."""

    arguments: argparse.Namespace
    names: list[str]
    """Of suites; empty: all of the recipe."""
    wishes: Wishes
    recipe: ValidateRecipe | None
    machine: Machine

    @property
    def out(self) -> Path | None:
        """The folder that is named for the result."""
        out: Path | None = self.arguments.out
        return None if out is None else out.resolve()


def asked_for(arguments: argparse.Namespace) -> Alone:
    """The validation that the arguments ask for; nothing is done yet.

    Raises:
        RecipeError: Arguments that do not go together, or name what is not there.
        ImportedRowError: Stored responses that cannot be read.
        GraderError: A source names a grader that is not there.
    """
    recipe = load_validate_recipe(arguments.recipe) if arguments.recipe else None
    names: list[str] = arguments.suite
    if not names and recipe is None:
        raise RecipeError(
            "retort validate: expected --suite NAME or --recipe FILE, found neither; "
            "`retort validate --list` has the names"
        )
    wishes = Wishes(
        k=arguments.k,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        think=arguments.think,
        limit=arguments.limit,
        seed=arguments.seed,
        dtype=arguments.dtype,
        data=dict(arguments.data),
    )
    given = _Given(arguments, names, wishes, recipe, load_machine(arguments.machine))
    if arguments.responses is not None:
        return _stored(given)
    if arguments.subject is None:
        raise RecipeError("retort validate: expected MODEL or --responses FILE, found neither")
    if arguments.endpoint is not None:
        return _behind(given)
    if arguments.api_key_env is not None:
        raise RecipeError("--api-key-env: expected --endpoint URL with it, found none")
    return _served(given)


def _served(given: _Given) -> Alone:
    arguments, recipe = given.arguments, given.recipe
    model = given_model(arguments.subject, arguments.revision, arguments.model)
    has = recipe.validation if recipe else None
    found = lengths(
        model.name,
        context_tokens(model),
        max_tokens=arguments.max_tokens or (has and has.sampling.max_tokens),
        max_model_len=arguments.max_model_len or (has and has.max_model_len),
    )
    measured = chosen(given.names, given.wishes, recipe, found, forced=True)
    return alone(measured, model, model.name, given.machine, out=given.out)


def _behind(given: _Given) -> Alone:
    arguments, recipe = given.arguments, given.recipe
    for name in ("max_model_len", "dtype", "model"):
        if getattr(arguments, name):
            raise RecipeError(
                f"--{name.replace('_', '-')}: expected a model that is served here, found "
                f"--endpoint; its server decides that"
            )
    has = recipe.validation if recipe else None
    longest = arguments.max_tokens or (has.sampling.max_tokens if has else WANTED)
    measured = chosen(given.names, given.wishes, recipe, Lengths(longest, longest), forced=False)
    table = given.machine.teacher.model_dump() | {"base_urls": [arguments.endpoint]}
    if arguments.api_key_env is not None:
        table["api_key_env"] = arguments.api_key_env
    try:
        endpoints = Endpoints.model_validate(table)
    except ValidationError as error:
        raise RecipeError(f"--endpoint: wrong address\n{wrong_fields(error)}") from error
    if not arguments.revision:
        measured.notes.append(
            f"revision {_UNKNOWN}: what any server answered before as {arguments.subject} of this "
            f"revision counts as this one's; say --revision WORD where another is served"
        )
    subject = OpenaiTeacher(
        engine="openai", model=arguments.subject, revision=arguments.revision or _UNKNOWN
    )
    machine = given.machine.model_copy(update={"teacher": endpoints})
    return alone(measured, subject, subject.model, machine, out=given.out)


def _stored(given: _Given) -> Alone:
    arguments, recipe, names = given.arguments, given.recipe, given.names
    if arguments.subject is not None or arguments.endpoint is not None:
        raise RecipeError(
            "--responses: expected no MODEL and no --endpoint with it, because nothing is asked, "
            "found one; --model NAME says who wrote the responses"
        )
    for name in _ASKED:
        if getattr(arguments, name) not in (None, ""):
            raise RecipeError(
                f"--{name.replace('_', '-')}: expected a model to be asked, found --responses; "
                f"leave it out"
            )
    if recipe is not None:
        names = names or [suite.name for suite in recipe.validation.suites]
    if len(names) != 1:
        raise RecipeError(
            f"--responses: expected the one suite that they answer, found {names}; name it with "
            f"--suite"
        )
    path: Path = arguments.responses
    stored = stored_responses(path, names[0], arguments.model or path.name.partition(".")[0])
    wishes = replace(given.wishes, k=given.wishes.k or stored.most)
    measured = chosen(names, wishes, recipe, None, forced=True)
    return alone(measured, stored, stored.name, given.machine, out=given.out)
