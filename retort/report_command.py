"""`retort report`: a finished run as one HTML file, or two runs beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from factory.recipe_file import load_machine, resolve_plain
from retort.printed import answer, say


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    report = commands.add_parser(
        "report",
        help="a run as one HTML file, or two runs compared",
        description="Write the report of a finished run: where its rows went, what it took, what "
        "its students learned and score, and what it was made from, as one HTML file that needs no "
        "network. A run writes its report at its end; this makes it again, also that of an older "
        "run, and says what that lacks. With two runs, write what differs between them.",
    )
    report.add_argument("run", nargs="?", default="latest", help="name or folder; default: latest")
    report.add_argument("other", nargs="?", default="", help="a second run to compare it with")
    report.add_argument(
        "--out",
        metavar="FILE.html",
        type=Path,
        help="default: report.html, or compared-with-OTHER.html, in the folder of the run",
    )
    report.add_argument("--machine", default="", help="machine file that says where runs are")
    report.set_defaults(act=_report)


def _report(arguments: argparse.Namespace) -> int:
    from factory.report.write import write_comparison, write_report  # draws: late for a quick start

    runs = resolve_plain(load_machine(arguments.machine).paths.runs)
    folder = _folder(runs, arguments.run)
    if arguments.other:
        path, missing = write_comparison(folder, _folder(runs, arguments.other), arguments.out)
    else:
        path, missing = write_report(folder, arguments.out)
    for one in missing:
        say(f"not in the report: {one}")
    answer(str(path))
    return 0


def _folder(runs: Path, given: str) -> Path:
    return Path(given).resolve() if Path(given).is_dir() else (runs / given).resolve()
