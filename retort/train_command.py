"""`retort train`: students on a dataset's folder, without a run around them."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.dataset.place import dataset_folder
from factory.errors import RecipeError
from factory.recipe_file import load_machine, load_train_recipe, resolve_plain
from retort.argument_types import natural
from retort.printed import answer, answer_json, say
from schemas.machine import Machine
from schemas.train_settings import Student, TrainRecipe

if TYPE_CHECKING:
    from factory.train.alone import Alone
    from factory.train.check import Check


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    train = commands.add_parser(
        "train",
        help="train a recipe's students on a dataset, or check what would be trained",
        description="Train the students of RECIPE on a dataset. RECIPE may be a whole recipe, or "
        "hold only name, seed and [train]. Started again, it continues where it was killed, and "
        "does nothing where the student is finished. With --check it prints the first rows as "
        "tokens with the mask, lengths, packing, template, steps, memory, disk and time, and "
        "stops. See docs/training.md.",
        epilog="Exit status: 0 where all students are trained, or with --check could be started, "
        "1 for an error, 130 when interrupted.",
    )
    train.add_argument("recipe", metavar="RECIPE", help="the recipe's file")
    train.add_argument(
        "--dataset",
        metavar="DIR",
        required=True,
        help="folder with data/*.parquet, or NAME/VERSION or NAME below paths.datasets",
    )
    train.add_argument(
        "--student",
        metavar="NAME",
        nargs="+",
        action="extend",
        help="only these; default: all but controls",
    )
    train.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="a folder per student is made in it; default: below paths.artifacts, by key",
    )
    train.add_argument("--machine", default="", help="machine file: ranks, sizes, places")
    train.add_argument(
        "--hostfile",
        metavar="FILE",
        help="HOST slots=RANKS per line, in place of the machine file's",
    )
    train.add_argument("--check", action="store_true", help="print what would be trained and stop")
    train.add_argument(
        "--rows",
        metavar="N",
        type=natural,
        default=2,
        help="rows that --check shows as tokens; default: %(default)s",
    )
    train.add_argument("--json", action="store_true", help="for programs")
    train.set_defaults(act=_train)


def _train(arguments: argparse.Namespace) -> int:
    from factory.train import join

    if join.joined():  # started by torchrun or srun: rank 0 does it, the others train with it
        return join.act_together(lambda: _act(arguments))
    return _act(arguments)


def _act(arguments: argparse.Namespace) -> int:
    from factory.preflight import TRAIN_PACKAGES, check_installed
    from factory.train.alone import alone

    recipe = load_train_recipe(arguments.recipe)
    machine = _with_hosts(load_machine(arguments.machine), arguments.hostfile)
    students = _chosen(recipe, arguments.student)
    dataset = _dataset(arguments.dataset, machine)
    check_installed("train", TRAIN_PACKAGES)
    out: Path | None = arguments.out
    each = [
        alone(recipe, one, dataset, machine, out=None if out is None else out.resolve() / one.name)
        for one in students
    ]
    return _check(each, arguments) if arguments.check else _run(each, arguments)


def _chosen(recipe: TrainRecipe, names: list[str] | None) -> list[Student]:
    """The students that are named; else all but controls, whose rows are no dataset."""
    students = {one.name: one for one in recipe.train.students}
    if names is None:
        chosen = [one for one in students.values() if one.learns_from != "all"]
        for name in students.keys() - {one.name for one in chosen}:
            say(f"student {name} is left out: it learns from all candidates, which a run has")
        if chosen:
            return chosen
        names = list(students)
    unknown = [name for name in names if name not in students]
    if unknown:
        raise RecipeError(
            f"--student: expected students of recipe {recipe.name} ({', '.join(students)}), found "
            f"{', '.join(unknown)}"
        )
    return [students[name] for name in dict.fromkeys(names)]


def _dataset(named: str, machine: Machine) -> Path:
    folder = Path(named)
    if (folder / "data").is_dir():
        return folder.resolve()
    return dataset_folder(named, resolve_plain(machine.paths.datasets)).resolve()


def _with_hosts(machine: Machine, hostfile: str | None) -> Machine:
    if hostfile is None:
        return machine
    given = Path(hostfile)
    path = str(given.resolve()) if given.is_file() else hostfile
    training = machine.training.model_copy(update={"hostfile": path, "ranks": None})
    return machine.model_copy(update={"training": training})


def _check(each: list[Alone], arguments: argparse.Namespace) -> int:
    from factory.train.check import examine
    from factory.train.check_text import check_text, in_colour

    found: list[Check] = []
    for one in each:
        with redirect_stdout(sys.stderr):  # where libraries say what they like
            check = examine(one.prepare(), rows=arguments.rows)
        found.append(check)
        if not arguments.json:
            print(check_text(check, colour=in_colour(sys.stdout)), end="\n\n")  # noqa: T201 - colours are its own
    if arguments.json:
        answer_json([check.model_dump(mode="json") for check in found])
    return 0


def _run(each: list[Alone], arguments: argparse.Namespace) -> int:
    done: list[dict[str, Any]] = []
    for one in each:
        with redirect_stdout(sys.stderr):
            figures = one.train().figures
        done.append(
            {"student": one.student.name, "model": str(one.model), "key": one.key, **figures}
        )
        if not arguments.json:
            answer(
                f"student   {one.model}  ({one.student.name}: {figures['steps']:,} steps, loss "
                f"{figures['first_loss']:.4f} -> {figures['final_loss']:.4f})"
            )
    if arguments.json:
        answer_json(done)
    return 0
