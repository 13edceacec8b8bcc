"""`retort dataset`: look at published datasets, verify, compare, push and rebuild them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from retort import dataset_acts

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
    show.set_defaults(act=dataset_acts.show)


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
    verify.set_defaults(act=dataset_acts.verify)


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
    diff.set_defaults(act=dataset_acts.diff)


def _add_card(kinds: Any) -> None:
    card = kinds.add_parser("card", help="print the card of a dataset")
    _named(card)
    card.set_defaults(act=dataset_acts.card)


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
    push.set_defaults(act=dataset_acts.push)


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
    rebuild.set_defaults(act=dataset_acts.rebuild)


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=_NAMED)
    parser.add_argument("--machine", default="", help="machine file that says where datasets are")


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return int(text)
