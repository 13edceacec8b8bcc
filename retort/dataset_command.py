"""`retort dataset`: look at published datasets, verify, compare, push and rebuild them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
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
    _add_card(kinds)


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


def _add_card(kinds: Any) -> None:
    card = kinds.add_parser("card", help="print the card of a dataset")
    _named(card)
    card.set_defaults(act=_card)


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
    from factory.dataset.verify import verify
    from factory.digest import file_sha256
    from factory.shard.layout import DATASET

    folder = _folder(arguments)
    workers = load_machine(arguments.machine).workers or os.cpu_count() or 1
    checks = []
    for check in verify(folder, workers=workers):
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
