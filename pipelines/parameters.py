"""`--recipe FILE` and `--machine FILE` as Luigi parameters.

A task holds the recipe itself, already checked: a wrong file is one clear message before any work
starts. On the command line that message ends the program; from Python it is a `RecipeError`.
"""

from __future__ import annotations

import sys
from typing import Any, Final, NoReturn

import luigi

from factory.digest import KEY_HEX, digest
from factory.errors import RecipeError
from factory.pin.revisions import check_pinned
from factory.recipe_file import load_machine, load_recipe
from factory.shown.printable import printable
from schemas.machine import Machine
from schemas.recipe import Recipe

EXIT_BAD_RECIPE: Final = 2


class RecipeParameter(luigi.Parameter):
    """A recipe by the path of its TOML file; relative paths start at the project's root."""

    def normalize(self, x: Any) -> Recipe:
        """The recipe, read if a path is given; one that is not pinned is refused."""
        return x if isinstance(x, Recipe) else _runnable(str(x))

    def parse(self, x: str) -> Recipe:
        """The recipe that the command line names; a wrong one ends the program."""
        try:
            return _runnable(x)
        except RecipeError as error:
            _leave(error)

    def serialize(self, x: Recipe) -> str:
        """Name and digest: what tells two recipes apart in a task's id."""
        return f"{x.name}-{digest(x)[:KEY_HEX]}"


def _runnable(path: str) -> Recipe:
    recipe = load_recipe(path)
    check_pinned(recipe)
    return recipe


class MachineParameter(luigi.Parameter):
    """A machine file by its path; empty for the defaults."""

    def normalize(self, x: Any) -> Machine:
        """The machine, read if a path is given."""
        return x if isinstance(x, Machine) else load_machine(str(x))

    def parse(self, x: str) -> Machine:
        """The machine that the command line names; a wrong file ends the program."""
        try:
            return load_machine(x)
        except RecipeError as error:
            _leave(error)

    def serialize(self, x: Machine) -> str:
        """Its digest: two machine files of equal content are one."""
        return digest(x)[:KEY_HEX]


def _leave(error: RecipeError) -> NoReturn:
    print(printable(f"RecipeError: {error}"), file=sys.stderr)  # noqa: T201 - the command line's own output
    sys.exit(EXIT_BAD_RECIPE)
