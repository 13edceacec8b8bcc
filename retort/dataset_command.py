"""`retort dataset`: look at published datasets, verify, compare, push and rebuild them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from factory.dataset.place import dataset_folder
from factory.errors import ManifestMismatch
from factory.recipe_file import load_machine, resolve_plain

_NAMED = "a dataset's folder, or NAME/VERSION or NAME (the highest version) below paths.datasets"


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    dataset = commands.add_parser("dataset", help="published datasets: show, verify, compare, push")
    kinds = dataset.add_subparsers(required=True, metavar="WHAT")
    _add_show(kinds)
    _add_verify(kinds)
    _add_diff(kinds)
    _add_card(kinds)
    _add_push(kinds)
    _add_rebuild(kinds)


def _add_show(kinds: Any) -> None:
    show = kinds.add_parser("show", help="what a dataset is: rows, sources, teachers, funnel")
    _named(show)
    show.add_argument("--json", action="store_true", help="the stable form, for programs")
    show.add_argument("--rows", metavar="N", type=_count, default=0, help="print the first N rows")
    show.set_defaults(act=_show)


def _add_verify(kinds: Any) -> None:
    verify = kinds.add_parser(
        "verify",
        help="recompute every digest and count of a dataset",
        description="Find again from the files what dataset.json says: the SHA-256 of every file, "
        "the digest of the rows, rows and columns of every config, the ledger down to each "
        "candidate, clusters of duplicates, sections of the recipe. One line per check.",
        epilog="Exit status: 0 where all passes, 1 where something differs; every mismatch is "
        "named with its file.",
    )
    _named(verify)
    verify.add_argument("--json", action="store_true", help="for programs")
    verify.set_defaults(act=_verify)


def _add_diff(kinds: Any) -> None:
    diff = kinds.add_parser(
        "diff",
        help="which samples came, went or changed between two datasets, and why",
        description="Compare two datasets row by row. Each row that is not the same in both is "
        "explained by where its candidate went in the dataset that lacks it, and by what differs "
        "in recipe, grader, teacher, sources and code.",
    )
    diff.add_argument("a", metavar="A", help=_NAMED)
    diff.add_argument("b", metavar="B", help="likewise")
    diff.add_argument("--machine", default="", help="machine file that says where datasets are")
    diff.add_argument("--json", action="store_true", help="the stable form, for programs")
    diff.add_argument(
        "--rows", metavar="FILE.parquet", type=Path, help="write every such row with its cause"
    )
    diff.set_defaults(act=_diff)


def _add_card(kinds: Any) -> None:
    card = kinds.add_parser("card", help="print the card of a dataset")
    _named(card)
    card.set_defaults(act=_card)


def _add_push(kinds: Any) -> None:
    push = kinds.add_parser(
        "push",
        help="upload a dataset to a hub and tag it with its version",
        description="Verify a dataset, upload what the repository does not hold yet in one commit, "
        "and tag it with the version. Files of earlier versions leave the main branch; their tags "
        "keep them. Run again after anything went wrong, it does what is missing. The token is "
        "that of HF_TOKEN or of `hf auth login`.",
        epilog="Exit status: 0 where the hub holds the version afterwards, 1 for an error; with "
        "--dry-run 1 where a push would be refused.",
    )
    _named(push)
    push.add_argument("--repo", metavar="OWNER/NAME", required=True, help="made if not there")
    push.add_argument("--private", action="store_true", help="a repository that is made is private")
    push.add_argument("--dry-run", action="store_true", help="say what would go up, send nothing")
    push.add_argument("--endpoint", metavar="URL", default="", help="default: HF_ENDPOINT's")
    push.set_defaults(act=_push)


def _add_rebuild(kinds: Any) -> None:
    rebuild = kinds.add_parser(
        "rebuild",
        help="make a dataset again from its recipe and compare",
        description="Run the recipe of a dataset (its recipe.json) on this machine's artifacts, "
        "without publishing anything, and compare the digests of the rows. Stages that are "
        "finished here are not run again. Candidates that this machine has not would be drawn, "
        "which needs --yes.",
        epilog="Exit status: 0 where the rows are equal, 1 where they differ, or for an error.",
    )
    _named(rebuild)
    rebuild.add_argument("--yes", action="store_true", help="draw candidates that are not here")
    rebuild.add_argument("--json", action="store_true", help="for programs")
    rebuild.set_defaults(act=_rebuild)


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=_NAMED)
    parser.add_argument("--machine", default="", help="machine file that says where datasets are")


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return int(text)


def _folder(arguments: argparse.Namespace, named: str | None = None) -> Path:
    machine = load_machine(arguments.machine)
    return dataset_folder(named or arguments.dataset, resolve_plain(machine.paths.datasets))


def _workers(arguments: argparse.Namespace) -> int:
    return load_machine(arguments.machine).workers or os.cpu_count() or 1


def _show(arguments: argparse.Namespace) -> int:
    from factory.dataset.shown import first_rows, row_text, shown, shown_text

    folder = _folder(arguments)
    found = shown(folder)
    rows = first_rows(folder, arguments.rows) if arguments.rows else []
    if arguments.json:
        whole = found.model_dump(mode="json")
        print(json.dumps({**whole, **({"first_rows": rows} if rows else {})}, indent=2))  # noqa: T201
    else:
        print(shown_text(found))  # noqa: T201
        for number, row in enumerate(rows, start=1):
            print(f"\n--- row {number}\n{row_text(row)}")  # noqa: T201
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from factory.dataset.checks import Check
    from factory.dataset.verify import verify
    from factory.digest import file_sha256
    from factory.shard.layout import DATASET

    folder = _folder(arguments)
    checks: list[Check] = []
    for check in verify(folder, workers=_workers(arguments)):
        checks.append(check)
        if not arguments.json:
            print(f"{'ok' if check.passed else 'WRONG':<6} {check.name:<18} {check.looked_at}")  # noqa: T201
            for fault in check.faults:
                print(f"       {fault}")  # noqa: T201
    whole = all(check.passed for check in checks)
    sha256 = file_sha256(folder / DATASET)
    if arguments.json:
        told = [check.model_dump(mode="json") for check in checks]
        print(json.dumps({"whole": whole, "sha256": sha256, "checks": told}, indent=2))  # noqa: T201
    else:
        said = "is whole" if whole else "is not what it says"
        print(f"{folder} {said}; SHA-256 of {DATASET}: {sha256}")  # noqa: T201
    return 0 if whole else 1


def _diff(arguments: argparse.Namespace) -> int:
    from factory.dataset.difference import difference, write_rows
    from factory.dataset.difference_text import difference_text

    found, rows = difference(_folder(arguments, arguments.a), _folder(arguments, arguments.b))
    if arguments.rows is not None:
        write_rows(rows, arguments.rows)
    print(  # noqa: T201
        json.dumps(found.model_dump(mode="json"), indent=2)
        if arguments.json
        else difference_text(found)
    )
    return 0


def _card(arguments: argparse.Namespace) -> int:
    from factory.shard.layout import CARD

    file = _folder(arguments) / CARD
    try:
        print(file.read_text(encoding="utf-8"), end="")  # noqa: T201
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestMismatch(
            f"{file}: expected the dataset's card, found it cannot be read ({error}); `retort "
            f"dataset verify` names every file that differs"
        ) from error
    return 0


def _push(arguments: argparse.Namespace) -> int:
    from factory.dataset.push import hub_api, plan_push, push
    from factory.dataset.push_text import plan_text, pushed_text
    from factory.dataset.verify import must_be_whole

    folder = _folder(arguments)
    said = must_be_whole(folder, workers=_workers(arguments))
    api = hub_api(arguments.endpoint)
    if arguments.dry_run:
        plan = plan_push(folder, said, arguments.repo, api)
        print(plan_text(plan))  # noqa: T201
        return 1 if plan.refusal else 0
    print(pushed_text(push(folder, said, arguments.repo, api, private=arguments.private)))  # noqa: T201
    return 0


def _rebuild(arguments: argparse.Namespace) -> int:
    from factory.dataset.place import described
    from factory.dataset.rebuilt import compare_rebuilt, rebuilt_text
    from factory.progress import say
    from factory.recipe_file import load_recipe
    from factory.shard.layout import RECIPE
    from pipelines.rebuilt import rebuild, unfinished_stages

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
        found = compare_rebuilt(folder, rebuild(recipe, machine, stages, Path(scratch)))
    print(found.model_dump_json(indent=2) if arguments.json else rebuilt_text(found))  # noqa: T201
    return 0 if found.equal else 1
