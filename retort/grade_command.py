"""`retort grade`: verdicts on answers of your own, from a file."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from factory.grade.code_lines import grade_code_lines
from factory.grade.grade_lines import Report
from factory.grade.math_lines import grade_math_lines, load_policy
from factory.recipe_file import load_machine
from retort import judge_command
from retort.argument_types import positive
from retort.printed import say
from schemas.code_line import MOST_S
from schemas.grade_settings import GradeMath
from schemas.math_policy import MathPolicy

_EXIT_STATUS: Final = (
    "Exit status: 0 where every line has a verdict, 1 for an error or lines that are `infra` (the "
    "machine's fault), 130 when interrupted."
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
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
        "--workers", type=positive, help="programs at a time; default: sandbox.slots, or per core"
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
        "--workers", type=positive, help="hard comparisons at a time; default: one per core"
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
        type=positive,
        default=GradeMath().memory_bytes,
        help="of the process of a hard comparison; default: %(default)s",
    )
    math.set_defaults(act=_grade_math)

    judge_command.add(kinds, _EXIT_STATUS, _told)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= MOST_S:
            return float(text)
    raise argparse.ArgumentTypeError(
        f"expected seconds above 0 and of at most {MOST_S:g}, found {text!r}"
    )


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
    say(
        f"{out}: {report.total} lines ({report.kept} of them kept): {counts or 'none'}",
    )
    if report.infra:
        say(
            f"{report.infra} of {report.total} lines are `infra`: the machine failed on them "
            f"twice, first on {report.first_fault}; mend it and run the same command again, which "
            "grades only these",
        )
    return 1 if report.infra else 0
