"""`retort ledger`: where every row of a run went, counted again, and one problem's whole path."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from factory.audit.problem_path import problem_path
from factory.audit.problem_path_text import path_text
from factory.audit.table import ledger_of
from factory.audit.text import ledger_text
from factory.recipe_file import load_machine, resolve_plain
from factory.run_record import read_run
from retort.printed import answer, answer_json


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    ledger = commands.add_parser(
        "ledger",
        help="where every row of a run went, by domain and source, and that it adds up",
        description="Count the rows of a run again from the parts of its artifacts, by domain and "
        "source, and prove that they add up: every candidate that was requested is a row of the "
        "dataset or was dropped for one reason. With --problem, follow one problem through every "
        "stage.",
        epilog="Exit status: 0 where it adds up, 1 where it does not, or for an error.",
    )
    ledger.add_argument("run", nargs="?", default="latest", help="name or folder; default: latest")
    ledger.add_argument("--problem", metavar="ID", default="", help="the path of this problem")
    ledger.add_argument("--full", action="store_true", help="with --problem: whole texts")
    ledger.add_argument("--json", action="store_true", help="for programs")
    ledger.add_argument("--machine", default="", help="machine file that says where runs are")
    ledger.set_defaults(act=_ledger)


def _ledger(arguments: argparse.Namespace) -> int:
    runs = resolve_plain(load_machine(arguments.machine).paths.runs)
    given = Path(arguments.run)
    run = read_run(given if given.is_dir() else runs / arguments.run)
    if arguments.problem:
        path = problem_path(run, arguments.problem)
        if arguments.json:
            answer_json(path.model_dump(mode="json"))
        else:
            answer(path_text(path, full=arguments.full))
        return 0
    found = ledger_of(run)
    if arguments.json:
        answer_json(found.model_dump(mode="json"))
    else:
        answer(ledger_text(found))
    return 1 if found.mismatches else 0
