"""`retort`: look at runs and at this machine, grade files. Runs are `luigi --module pipelines`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from factory.errors import RetortError
from factory.recipe_file import load_machine, resolve_plain
from factory.run_record import read_run
from factory.shown.summary_text import summary_text
from retort import (
    compare_command,
    dataset_command,
    decontaminate_command,
    dedupe_command,
    explore_command,
    grade_command,
    ledger_command,
    pin_command,
    plan_command,
    report_command,
    train_command,
    validate_command,
)
from retort.doctor import examine, report_text
from retort.printed import answer, answer_json, say
from schemas.run import Run


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what was asked, 1 for an error that is said on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.act(arguments))
    except RetortError as error:
        say(f"{type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; what is finished is kept")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="retort", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    summary = commands.add_parser("summary", help="funnel, scores, dataset and students of a run")
    summary.add_argument("run", nargs="?", default="latest", help="name or folder; default: latest")
    summary.add_argument("--json", action="store_true", help="the stable form, for programs")
    summary.add_argument("--machine", default="", help="machine file that says where runs are")
    summary.set_defaults(act=_summary)

    doctor = commands.add_parser("doctor", help="what this machine has and lacks for each stage")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.add_argument("--machine", default="", help="machine file")
    doctor.set_defaults(act=_doctor)

    compare_command.add(commands)
    ledger_command.add(commands)
    report_command.add(commands)
    pin_command.add(commands)
    plan_command.add(commands)
    train_command.add(commands)
    validate_command.add(commands)
    dataset_command.add(commands)
    dedupe_command.add(commands)
    decontaminate_command.add(commands)
    explore_command.add(commands)
    grade_command.add(commands)
    return parser


def _summary(arguments: argparse.Namespace) -> int:
    runs = resolve_plain(load_machine(arguments.machine).paths.runs)
    given = Path(arguments.run)
    folder = given if given.is_dir() else runs / arguments.run
    run = read_run(folder)
    if arguments.json:
        answer_json(summary(run))
    else:
        answer(summary_text(run, folder))
    return 0


def summary(run: Run) -> dict[str, object]:
    """The stable form of a run: documented in docs/summary.md and frozen by a contract test."""
    whole = run.model_dump(mode="json")
    names = ("run", "ledger", "scores", "comparisons", "dataset", "students")
    return {name: whole[name] for name in names}


def _doctor(arguments: argparse.Namespace) -> int:
    findings = examine(load_machine(arguments.machine))
    if arguments.json:
        answer_json([finding.model_dump(mode="json") for finding in findings])
    else:
        answer(report_text(findings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
