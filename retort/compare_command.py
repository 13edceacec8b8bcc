"""`retort compare`: two models on the same problems, with a test of significance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from factory.errors import ManifestMismatch
from factory.parts import MANIFEST
from factory.recipe_file import load_machine, resolve_plain
from factory.run_record import read_run
from factory.shown.score_text import comparison_lines
from factory.validate.paired import Paired, paired
from factory.validate.validated import read_validated, validation_of
from retort.printed import answer, answer_json


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    compare = commands.add_parser(
        "compare",
        help="two validated models on the same problems, with a test of significance",
        description="Compare the pass@1 of two validations on the problems that both were asked: "
        "the mean difference in points (first less second), its 95%% interval, the two-sided "
        "p-value of a paired sign-flip permutation test, and on how many problems the first is "
        "better and worse. A and B are folders of validate, or RUN:MODEL, for example "
        "latest:demo-qwen2 latest:embedded:base-qwen2. docs/validation.md has the formulas.",
        epilog="Exit status: 0 where they were compared, whatever came out; 1 for an error.",
    )
    compare.add_argument("first", metavar="A", help="folder of validate, or RUN:MODEL")
    compare.add_argument("second", metavar="B", help="the other one")
    compare.add_argument("--suite", metavar="NAME", default="", help="this suite alone")
    compare.add_argument("--json", action="store_true", help="for programs")
    compare.add_argument("--machine", default="", help="machine file that says where runs are")
    compare.set_defaults(act=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    runs = resolve_plain(load_machine(arguments.machine).paths.runs)
    first, second = (
        read_validated(_folder(given, runs)) for given in (arguments.first, arguments.second)
    )
    found = paired(first, second, arguments.suite)
    if arguments.json:
        answer_json(_form(found))
    else:
        answer(_text(found))
    return 0


def _folder(given: str, runs: Path) -> Path:
    """The folder of a validation.

    Raises:
        ManifestMismatch: There is none of that name.
    """
    if (Path(given) / MANIFEST).is_file():
        return Path(given)
    run, colon, model = given.partition(":")
    if not colon:
        raise ManifestMismatch(
            f"{given}: expected a finished folder of validate or RUN:MODEL, found neither; name "
            f"one, for example latest:{given}"
        )
    folder = Path(run)
    return validation_of(read_run(folder if folder.is_dir() else runs / run), model)


def _form(found: Paired) -> dict[str, object]:
    return {
        "comparisons": [one.model_dump(mode="json") for one in found.comparisons],
        "only_first": found.alone[0],
        "only_second": found.alone[1],
        "changed": found.changed,
        "notes": found.notes,
    }


def _text(found: Paired) -> str:
    lines = comparison_lines(found.comparisons)
    left = (
        (found.alone[0], "problems were asked of the first alone"),
        (found.alone[1], "problems were asked of the second alone"),
        (found.changed, "problems of the same id have another message, gold or grader"),
    )
    notes = [f"{count:,} {what}: left out" for count, what in left if count] + found.notes
    return "\n".join([*lines, *([""] if notes else []), *notes])
