"""`--workers` and `--machine` of commands that work on files: processes here, or a Ray cluster."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

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


def executor_asked(arguments: argparse.Namespace) -> Executor:
    """Where the work is done. Inputs and output are absolute paths from here on, because the nodes
    of a cluster work in folders of their own.

    Raises:
        RecipeError: The machine file is not there, or wrong.
        ClusterError, MissingDependency: As `executor_of`.
    """
    out: Path = arguments.out
    if not arguments.machine:
        return Executor(arguments.workers or os.cpu_count() or 1)
    arguments.inputs = [one.resolve() for one in arguments.inputs]
    arguments.out = out.resolve()
    executor = executor_of(load_machine(arguments.machine), arguments.out.parent)
    return executor.at_most(arguments.workers or executor.workers)
