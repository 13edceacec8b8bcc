"""`retort explore`: a page on this machine that shows the rows of a run or of a dataset."""

from __future__ import annotations

import argparse
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from factory.errors import InputFileError
from factory.recipe_file import load_machine, resolve_plain
from factory.shown.progress import say
from retort.printed import answer
from schemas.machine import Machine

_LOOPBACK = "127.0.0.1"


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    explore = commands.add_parser(
        "explore",
        help="a page to look at the rows of a run or of a dataset",
        description="Serve a page on this machine alone (127.0.0.1) that searches and filters the "
        "candidates of a run, or the rows of a dataset, and shows each problem with all of them, "
        "their verdicts and what became of them. Rows that are marked there go to a file that "
        "`[select] exclude` of a recipe takes. End it with Ctrl-C.",
    )
    explore.add_argument(
        "opened",
        metavar="RUN_OR_DATASET",
        nargs="?",
        default="latest",
        help="a run's name or folder, a dataset's NAME, NAME/VERSION or folder; default: latest",
    )
    explore.add_argument(
        "--port", type=_port, default=0, help="default: any that is free", metavar="N"
    )
    explore.add_argument(
        "--marks", metavar="FILE.jsonl", type=Path, help="default: reviews/NAME.jsonl"
    )
    explore.add_argument("--machine", default="", help="machine file that says where runs are")
    explore.add_argument("--no-search", action="store_true", help="build no index of the texts")
    explore.add_argument("--rebuild", action="store_true", help="make the indexes again")
    explore.set_defaults(act=_explore)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)


def _explore(arguments: argparse.Namespace) -> int:
    import uvicorn

    from retort.explore.index_folder import open_source
    from retort.explore.marks import MarkFile
    from retort.explore.named_source import source_of
    from retort.explore.search import Search
    from retort.explore.server import app

    machine = load_machine(arguments.machine)
    source = source_of(arguments.opened, machine)
    marks = MarkFile(arguments.marks or default_marks(source.name, machine))
    root = resolve_plain(machine.paths.artifacts) / "explore"
    opened = open_source(source, root, rebuild=arguments.rebuild)
    with _listening(arguments.port) as listener:
        port: int = listener.getsockname()[1]
        say(f"explore: {opened.title}, {opened.table.head.rows:,} rows; marks go to {marks.path}")
        answer(f"http://{_LOOPBACK}:{port}/")
        search = Search.off()
        if not arguments.no_search:
            search = Search.started(opened.folder, opened.table, rebuild=arguments.rebuild)
        try:
            config = uvicorn.Config(
                app(opened, marks, search),
                log_level="warning",
                access_log=False,
                server_header=False,
            )
            with suppress(KeyboardInterrupt):  # as the command is meant to end
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            search.close()
    return 0


def default_marks(name: str, machine: Machine) -> Path:
    """`reviews/<name>.jsonl` beside the folder of runs; the name of a source."""
    return resolve_plain(machine.paths.runs).parent / "reviews" / f"{name}.jsonl"


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise InputFileError(
            f"port {port} of {_LOOPBACK}: expected it to be free, found that it cannot be had "
            f"({error.strerror}); name another one, or none for any that is free"
        ) from error
    listener.listen(128)
    return listener
