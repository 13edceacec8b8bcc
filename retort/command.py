"""`retort`: look at runs and at this machine, grade files. Runs are `luigi --module pipelines`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from factory.errors import RetortError
from factory.grade.code_lines import grade_code_lines
from factory.grade.grade_lines import Report
from factory.grade.math_lines import grade_math_lines, load_policy
from factory.recipe_file import load_machine, resolve_plain
from factory.run_record import read_run
from factory.shown.summary_text import summary_text
from retort import (
    compare_command,
    dataset_command,
    decontaminate_command,
    dedupe_command,
    explore_command,
    judge_command,
    ledger_command,
    pin_command,
    plan_command,
    report_command,
    train_command,
    validate_command,
)
from retort.doctor import examine, report_text
from schemas.code_line import MOST_S
from schemas.grade_settings import GradeMath
from schemas.math_policy import MathPolicy
from schemas.run import Run

_EXIT_STATUS: Final = (
    "Exit status: 0 where every line has a verdict, 1 for an error or lines that are `infra` (the "
    "machine's fault), 130 when interrupted."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what was asked, 1 for an error that is said on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.act(arguments))
    except RetortError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is finished is kept", file=sys.stderr)  # noqa: T201
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

    grade = commands.add_parser("grade", help="verdicts on answers of your own, from a file")
    kinds = grade.add_subparsers(required=True, metavar="KIND")
    code = kinds.add_parser(
        "code",
        help="programs and their tests",
        description="Run programs against their tests in sandboxes. Each line of FILE is a JSON "
        "object with `id`, `language`, `program`, `tests` and, if wanted, `limits`; each line of "
        "OUT has `id`, `verdict`, `passed`, `total`, `detail`, `wall_s`, `cpu_s`. Run again, it "
        "grades what has no result yet, what has changed, and what was `infra`.",
        epilog=_EXIT_STATUS,
    )
    code.add_argument("file", metavar="FILE.jsonl", type=Path)
    code.add_argument("--out", metavar="OUT.jsonl", type=Path, required=True)
    code.add_argument(
        "--workers", type=_positive, help="programs at a time; default: sandbox.slots, or per core"
    )
    code.add_argument("--machine", default="", help="machine file: image, runtime and slots")
    code.set_defaults(act=_grade_code)

    math = kinds.add_parser(
        "math",
        help="answers and their golds, compared symbolically",
        description="Decide whether answers are mathematically equal to gold answers. Each line "
        "of FILE is a JSON object with `id`, `gold`, and either `response` (a whole completion, "
        "with or without `<think>`; with `finish_reason`, if known) or `answer` (extracted "
        "already); each line of OUT has `id`, `verdict`, `extracted`, `method`, `wall_s`. Run "
        "again, it grades what has no result yet, what has changed, and what was `infra`.",
        epilog=_EXIT_STATUS,
    )
    math.add_argument("file", metavar="FILE.jsonl", type=Path)
    math.add_argument("--out", metavar="OUT.jsonl", type=Path, required=True)
    math.add_argument(
        "--workers", type=_positive, help="hard comparisons at a time; default: one per core"
    )
    math.add_argument(
        "--policy",
        metavar="FILE.toml",
        type=Path,
        help="what counts as equal: keys of schemas/math_policy.py; default: its defaults",
    )
    math.add_argument(
        "--deadline-s",
        metavar="S",
        type=_seconds,
        default=GradeMath().deadline_s,
        help="of one hard comparison; default: %(default)s",
    )
    math.add_argument(
        "--memory-bytes",
        metavar="N",
        type=_positive,
        default=GradeMath().memory_bytes,
        help="of the process of a hard comparison; default: %(default)s",
    )
    math.set_defaults(act=_grade_math)

    judge_command.add(kinds, _EXIT_STATUS, _told)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= MOST_S:
            return float(text)
    raise argparse.ArgumentTypeError(
        f"expected seconds above 0 and of at most {MOST_S:g}, found {text!r}"
    )


def _summary(arguments: argparse.Namespace) -> int:
    runs = resolve_plain(load_machine(arguments.machine).paths.runs)
    given = Path(arguments.run)
    folder = given if given.is_dir() else runs / arguments.run
    run = read_run(folder)
    shown = json.dumps(summary(run), indent=2) if arguments.json else summary_text(run, folder)
    print(shown)  # noqa: T201
    return 0


def summary(run: Run) -> dict[str, object]:
    """The stable form of a run: documented in docs/summary.md and frozen by a contract test."""
    whole = run.model_dump(mode="json")
    names = ("run", "ledger", "scores", "comparisons", "dataset", "students")
    return {name: whole[name] for name in names}


def _doctor(arguments: argparse.Namespace) -> int:
    findings = examine(load_machine(arguments.machine))
    if arguments.json:
        print(json.dumps([finding.model_dump(mode="json") for finding in findings], indent=2))  # noqa: T201
    else:
        print(report_text(findings))  # noqa: T201
    return 0


def _grade_code(arguments: argparse.Namespace) -> int:
    sandbox = load_machine(arguments.machine).sandbox
    workers = arguments.workers or sandbox.slots or os.cpu_count() or 1
    return _told(
        grade_code_lines(arguments.file, arguments.out, sandbox, workers=workers), arguments.out
    )


def _grade_math(arguments: argparse.Namespace) -> int:
    limits = GradeMath(
        deadline_s=arguments.deadline_s,
        memory_bytes=arguments.memory_bytes,
        policy=load_policy(arguments.policy) if arguments.policy else MathPolicy(),
    )
    workers = arguments.workers or os.cpu_count() or 1
    return _told(
        grade_math_lines(arguments.file, arguments.out, limits, workers=workers), arguments.out
    )


def _told(report: Report, out: Path) -> int:
    """Say what a grading command made; its exit status."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(report.counts.items()))
    print(  # noqa: T201
        f"{out}: {report.total} lines ({report.kept} of them kept): {counts or 'none'}",
        file=sys.stderr,
    )
    if report.infra:
        print(  # noqa: T201
            f"{report.infra} of {report.total} lines are `infra`: the machine failed on them "
            f"twice, first on {report.first_fault}; mend it and run the same command again, which "
            "grades only these",
            file=sys.stderr,
        )
    return 1 if report.infra else 0


if __name__ == "__main__":
    sys.exit(main())
