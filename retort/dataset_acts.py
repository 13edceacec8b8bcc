"""What the commands of `retort dataset` do: each prints, and gives the exit status."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from factory.dataset.place import dataset_folder
from factory.errors import ManifestMismatch
from factory.executor import Executor, executor_of
from factory.recipe_file import load_machine, resolve_plain
from factory.shown.printable import printable_line
from retort.printed import answer, answer_json


def _folder(arguments: argparse.Namespace, named: str | None = None) -> Path:
    machine = load_machine(arguments.machine)
    return dataset_folder(named or arguments.dataset, resolve_plain(machine.paths.datasets))


def _executor(arguments: argparse.Namespace) -> Executor:
    return executor_of(load_machine(arguments.machine))


def show(arguments: argparse.Namespace) -> int:
    """Print what a dataset is."""
    from factory.dataset.shown import first_rows, row_text, shown, shown_text

    folder = _folder(arguments)
    found = shown(folder)
    rows = first_rows(folder, arguments.rows) if arguments.rows else []
    if arguments.json:
        whole = found.model_dump(mode="json")
        answer_json({**whole, **({"first_rows": rows} if rows else {})})
    else:
        answer(shown_text(found))
        for number, row in enumerate(rows, start=1):
            answer(f"\n--- row {number}\n{row_text(row)}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Check a dataset; 1 where something differs."""
    from factory.dataset.checks import Check
    from factory.dataset.verify import verify as checks_of
    from factory.digest import file_sha256
    from factory.shard.layout import DATASET

    folder = _folder(arguments)
    checks: list[Check] = []
    for check in checks_of(folder, executor=_executor(arguments)):
        checks.append(check)
        if not arguments.json:
            answer(f"{'ok' if check.passed else 'WRONG':<6} {check.name:<18} {check.looked_at}")
            for fault in check.faults:
                answer(f"       {printable_line(str(fault))}")
    whole = all(check.passed for check in checks)
    sha256 = file_sha256(folder / DATASET)
    if arguments.json:
        told = [check.model_dump(mode="json") for check in checks]
        answer_json({"whole": whole, "sha256": sha256, "checks": told})
    else:
        said = "is whole" if whole else "is not what it says"
        answer(f"{folder} {said}; SHA-256 of {DATASET}: {sha256}")
    return 0 if whole else 1


def diff(arguments: argparse.Namespace) -> int:
    """Print how two datasets differ."""
    from factory.dataset.difference import difference, write_rows
    from factory.dataset.difference_text import difference_text

    found, rows = difference(_folder(arguments, arguments.a), _folder(arguments, arguments.b))
    if arguments.rows is not None:
        write_rows(rows, arguments.rows)
    if arguments.json:
        answer_json(found.model_dump(mode="json"))
    else:
        answer(difference_text(found))
    return 0


def card(arguments: argparse.Namespace) -> int:
    """Print the card."""
    from factory.shard.layout import CARD

    file = _folder(arguments) / CARD
    try:
        answer(file.read_text(encoding="utf-8"), end="")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestMismatch(
            f"{file}: expected the dataset's card, found it cannot be read ({error}); `retort "
            f"dataset verify` names every file that differs"
        ) from error
    return 0


def push(arguments: argparse.Namespace) -> int:
    """Upload a dataset, or say what would go up."""
    from factory.dataset.hub_answers import hub_api
    from factory.dataset.push import push as push_it
    from factory.dataset.push_plan import plan_push
    from factory.dataset.push_text import plan_text, pushed_text
    from factory.dataset.verify import must_be_whole

    folder = _folder(arguments)
    said = must_be_whole(folder, executor=_executor(arguments))
    api = hub_api(arguments.endpoint)
    if arguments.dry_run:
        plan = plan_push(folder, said, arguments.repo, api)
        answer(plan_text(plan))
        return 1 if plan.refusal else 0
    answer(pushed_text(push_it(folder, said, arguments.repo, api, private=arguments.private)))
    return 0


def rebuild(arguments: argparse.Namespace) -> int:
    """Make a dataset again; 1 where its rows differ."""
    from factory.dataset.place import described
    from factory.dataset.rebuilt import compare_rebuilt, rebuilt_text
    from factory.recipe_file import load_recipe
    from factory.shard.layout import RECIPE
    from factory.shown.progress import say
    from pipelines.rebuilt import rebuild as make_again
    from pipelines.rebuilt import unfinished_stages

    folder, machine = _folder(arguments), load_machine(arguments.machine)
    described(folder)
    recipe = load_recipe(str((folder / RECIPE).resolve()))
    stages = unfinished_stages(recipe, machine)
    if stages:
        say(f"not finished here, so run first: {', '.join(stage.label for stage in stages)}")
    draws = [stage.label for stage in stages if stage.name == "generate"]
    if draws and recipe.generate.teacher.engine != "import" and not arguments.yes:
        raise ManifestMismatch(
            f"{folder}: expected the candidates of {recipe.name} in {machine.paths.artifacts}, "
            f"found {', '.join(draws)} not finished; name with --machine the machine file of the "
            f"run, or give --yes to draw with {recipe.generate.teacher.model} what the store of "
            f"candidates lacks"
        )
    artifacts = resolve_plain(machine.paths.artifacts)
    artifacts.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".rebuilt-", dir=artifacts) as scratch:
        found = compare_rebuilt(folder, make_again(recipe, machine, stages, Path(scratch)))
    if arguments.json:
        answer_json(found.model_dump(mode="json"))
    else:
        answer(rebuilt_text(found))
    return 0 if found.equal else 1
