"""Reading recipes and machine files, and turning what they name into paths."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from factory.errors import GraderError, RecipeError
from factory.grade.registry import check_names
from schemas.collect_settings import Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.recipe import Recipe, ValidateRecipe
from schemas.row import Settings
from schemas.row_source_settings import FileSource, HubSource
from schemas.train_settings import TrainRecipe
from schemas.validate_settings import Validate

ROOT: Final = Path(__file__).resolve().parent.parent
"""The project's root: where relative paths start."""

_CREDENTIALS: Final = re.compile(r"://[^/@\s]*@")
_DATA: Final = "${RETORT_DATA}"
_GIVEN: Final[dict[str, Path]] = {}
"""What stands for a path of the command line -> that path; see `given`."""
_OF_DATA: Final = frozenset({"collect", "generate", "select", "shard", "validate"})
"""Sections that `TrainRecipe` has not: a file with one of them is a whole recipe."""
_WHOLE: Final = frozenset({"collect", "generate", "select", "shard", "train"})
"""Sections that `ValidateRecipe` has not."""
_Model = TypeVar("_Model", bound=Settings)


def data_root() -> Path:
    """`RETORT_DATA`, or `../shared/data` beside the project."""
    return resolve_plain(os.environ.get("RETORT_DATA", "../shared/data"))


def resolve_plain(path: str) -> Path:
    """An absolute path; a relative one starts at the project's root."""
    return (ROOT / Path(path).expanduser()).resolve()


def given(name: str, path: Path) -> str:
    """A path of the command line as text that `resolve` turns back into it in this process.

    It is `${GIVEN}/name`, so that keys and settings hold the name and not the place.
    """
    text = f"${{GIVEN}}/{name}"
    _GIVEN[text] = path.resolve()
    return text


def resolve(path: str) -> Path:
    """An absolute path from a path in a recipe.

    Raises:
        RecipeError: It is absolute, leaves the project, or holds another variable.
    """
    if path in _GIVEN:
        return _GIVEN[path]
    if path.startswith(_DATA):
        return data_root() / path.removeprefix(_DATA).lstrip("/")
    resolved = resolve_plain(path)
    if Path(path).is_absolute() or "$" in path or ROOT not in [resolved, *resolved.parents]:
        raise RecipeError(
            f"path {path!r}: expected a path below the project's root or one that starts with "
            f"{_DATA}, found one outside; recipes hold no other outside path"
        )
    return resolved


def existing(path: str, what: str) -> Path:
    """`resolve`, and it must be there.

    Raises:
        RecipeError: Nothing is there.
    """
    resolved = resolve(path)
    if not resolved.exists():
        hint = ""
        if path.startswith(_DATA):
            hint = f"; set RETORT_DATA to the folder of the data (now {data_root()})"
        raise RecipeError(f"{what}: expected a file or folder at {resolved}, found none{hint}")
    return resolved


def load_recipe(path: str) -> Recipe:
    """The recipe in a TOML file, or in the `recipe.json` of a dataset.

    Raises:
        RecipeError: Not there, not TOML, or not a recipe; every wrong field is named. Or it asks
            for a grader that is not installed.
    """
    recipe = _load(path, Recipe, "recipe")
    _check_graders(path, recipe.collect.sources, recipe.validation, recipe.grade)
    return recipe


def load_validate_recipe(path: str) -> ValidateRecipe:
    """What `retort validate` needs of a recipe: of a whole one, or of a file with only that.

    Raises:
        RecipeError: As for `load_recipe`; or there is no `[validate]`.
    """
    content = _content(resolve_plain(path), "recipe")
    if not (isinstance(content, dict) and _WHOLE & content.keys()):
        recipe = _load(path, ValidateRecipe, "recipe")
        _check_graders(path, [], recipe.validation, recipe.grade)
        return recipe
    whole = load_recipe(path)
    if whole.validation is None:
        raise RecipeError(
            f"recipe {resolve_plain(path)}: expected [validate] with suites, found none; add it, "
            f"or name known suites without a recipe"
        )
    return ValidateRecipe(
        name=whole.name,
        description=whole.description,
        seed=whole.seed,
        grade=whole.grade,
        validate=whole.validation,
    )


def _check_graders(
    path: str, sources: Sequence[Source], validate: Validate | None, grade: Grade
) -> None:
    try:
        check_names(_graders_of(sources, validate, grade))
    except GraderError as error:
        raise RecipeError(f"recipe {resolve_plain(path)}: {error}") from error


def _graders_of(
    sources: Sequence[Source], validate: Validate | None, grade: Grade
) -> Iterator[tuple[str, str]]:
    suites = validate.suites if validate else []
    for source in [*sources, *(one for suite in suites for one in suite.sources)]:
        if isinstance(source, FileSource | HubSource):
            yield source.grader, f"source {source.name}"
    for name in grade.extra:
        yield name, f"[grade.extra.{name}]"


def load_train_recipe(path: str) -> TrainRecipe:
    """What `retort train` needs of a recipe: of a whole one, or of a file with only that.

    Raises:
        RecipeError: As for `load_recipe`; or there is no `[train]`.
    """
    content = _content(resolve_plain(path), "recipe")
    if not (isinstance(content, dict) and _OF_DATA & content.keys()):
        return _load(path, TrainRecipe, "recipe")
    whole = _load(path, Recipe, "recipe")
    if whole.train is None:
        raise RecipeError(
            f"recipe {resolve_plain(path)}: expected [train] with students, found none; add it"
        )
    return TrainRecipe(
        name=whole.name, description=whole.description, seed=whole.seed, train=whole.train
    )


def load_machine(path: str) -> Machine:
    """The machine file, or the defaults where `path` is empty.

    Raises:
        RecipeError: As for `load_recipe`.
    """
    return _load(path, Machine, "machine file") if path else Machine()


def _load(path: str, model: type[_Model], what: str) -> _Model:
    file = resolve_plain(path)
    content = _content(file, what)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RecipeError(
            f"{what} {file}: {error.error_count()} wrong fields\n{wrong_fields(error)}"
        ) from error


def wrong_fields(error: ValidationError) -> str:
    """A line for each wrong field, indented: where it is, what is wrong, what was found."""
    return "\n".join(
        f"  {'.'.join(map(str, one['loc'])) or '(top)'}: {_explain(one)}" for one in error.errors()
    )


def _content(file: Path, what: str) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        return json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise RecipeError(f"{what} {file}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        form = "JSON" if file.suffix == ".json" else "TOML"
        raise RecipeError(f"{what} {file}: not valid {form}: {error}") from error


def _explain(one: object) -> str:
    assert isinstance(one, dict)
    if one["type"] == "extra_forbidden":
        return "unknown key; see schemas/recipe.py and schemas/machine.py for the known ones"
    if one["type"] == "missing":
        return "missing"
    found = _CREDENTIALS.sub("://…@", repr(one["input"]))
    return f"{one['msg']}, found {found:.80}"
