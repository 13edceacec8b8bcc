"""`--workers` and `--machine` of commands that work on files: processes here, or a Ray cluster."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NamedTuple

from factory.executor import Executor, executor_of
from factory.recipe_file import load_machine
from retort.argument_types import positive


def add(command: argparse.ArgumentParser) -> None:
    """Add both options."""
    command.add_argument(
        "--workers", metavar="N", type=positive, help="processes; default: one per core"
    )
    command.add_argument(
        "--machine",
        default="",
        metavar="FILE",
        help='machine file: with executor = "ray" the work is done on its cluster, whose nodes '
        "must see the same files at the same paths",
    )


class Work(NamedTuple):
    """What is worked on, and where."""

    inputs: list[Path]
    out: Path
    executor: Executor


def work_asked(arguments: argparse.Namespace) -> Work:
    """The paths, absolute on a cluster, whose nodes work in folders of their own, and where the
    work is done.

    Raises:
        RecipeError: The machine file is not there, or wrong.
        ClusterError, MissingDependency: As `executor_of`.
    """
    inputs: list[Path] = arguments.inputs
    out: Path = arguments.out
    if not arguments.machine:
        return Work(inputs, out, Executor(arguments.workers or os.cpu_count() or 1))
    inputs, out = [one.resolve() for one in inputs], out.resolve()
    executor = executor_of(load_machine(arguments.machine), out.parent)
    return Work(inputs, out, executor.at_most(arguments.workers or executor.workers))
