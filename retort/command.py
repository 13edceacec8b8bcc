"""`retort`: look at runs and at this machine. Work itself is done by `luigi --module pipelines`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from factory.errors import RetortError
from factory.recipe_file import load_machine, resolve_plain
from factory.run_record import read_run
from factory.summary_text import summary_text
from retort.doctor import examine, report_text
from schemas.run import Run


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what was asked, 1 for an error that is said on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.act(arguments))
    except RetortError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 1


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
    return parser


def _summary(arguments: argparse.Namespace) -> int:
    runs = resolve_plain(load_machine(arguments.machine).paths.runs)
    given = Path(arguments.run)
    run = read_run(given if given.is_dir() else runs / arguments.run)
    print(json.dumps(summary(run), indent=2) if arguments.json else summary_text(run))  # noqa: T201
    return 0


def summary(run: Run) -> dict[str, object]:
    """The stable form of a run: documented in docs/summary.md and frozen by a contract test."""
    whole = run.model_dump(mode="json")
    return {name: whole[name] for name in ("run", "ledger", "scores", "dataset", "students")}


def _doctor(arguments: argparse.Namespace) -> int:
    findings = examine(load_machine(arguments.machine))
    if arguments.json:
        print(json.dumps([finding.model_dump(mode="json") for finding in findings], indent=2))  # noqa: T201
    else:
        print(report_text(findings))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
