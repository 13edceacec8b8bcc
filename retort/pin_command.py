"""`retort pin`: asks the hub for the commits of a recipe's datasets and models and writes them."""

from __future__ import annotations

import argparse
from typing import Any

from factory.errors import RecipeError
from factory.parts import write_atomically
from factory.pin.revisions import Pin, hub_names, resolve_revisions, unpinned
from factory.pin.text import pinned_text
from factory.recipe_file import load_recipe, resolve_plain
from retort.printed import answer, say


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    pin = commands.add_parser(
        "pin",
        help="write the commit of each dataset and model of the hub into a recipe",
        description="Ask the hub for the commit of each dataset and model that RECIPE takes from "
        "it without one, and write it into the file; comments, order and all else stay as they "
        "are. HF_ENDPOINT and HF_TOKEN are respected. Either all are written or none.",
        epilog="Exit status: 0 where all are pinned afterwards, 1 for an error, or with --check "
        "where one is not pinned.",
    )
    pin.add_argument("recipe", metavar="RECIPE", help="the recipe's file")
    pin.add_argument("--check", action="store_true", help="ask nobody, write nothing: say which")
    pin.add_argument(
        "--update", action="store_true", help="pinned ones too: take the newest commit of each"
    )
    pin.set_defaults(act=_pin)


def _pin(arguments: argparse.Namespace) -> int:
    recipe = load_recipe(arguments.recipe)
    everything, open_ones = hub_names(recipe), unpinned(recipe)
    if arguments.check:
        for one in open_ones:
            answer(_line(one, "not pinned"))
        say(f"{len(open_ones)} of {len(everything)} are not pinned")
        return 1 if open_ones else 0
    revisions = resolve_revisions(everything if arguments.update else open_ones)
    changed = {one: sha for one, sha in revisions.items() if sha != one.revision}
    if changed:
        _write(arguments.recipe, changed)
    for one, sha in changed.items():
        answer(_line(one, sha))
    kept = len(everything) - len(changed)
    say(f"{len(changed)} pinned, {kept} left as they were")
    return 0


def _write(recipe: str, revisions: dict[Pin, str]) -> None:
    file = resolve_plain(recipe)
    old = file.read_bytes()
    new = pinned_text(old.decode("utf-8"), revisions).encode("utf-8")
    if file.read_bytes() != old:
        raise RecipeError(f"recipe {file}: changed while it was pinned; run the command again")
    try:
        mode = file.stat().st_mode
        write_atomically(file, new)
        file.chmod(mode)
    except OSError as error:
        raise RecipeError(
            f"recipe {file}: cannot be written ({error.strerror}); it is as it was"
        ) from error


def _line(one: Pin, state: str) -> str:
    return f"{state:<40}  {one.kind:<7}  {one.name}  ({one.where})"
