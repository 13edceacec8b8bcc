"""A page as one HTML file that needs nothing else: no script, no network, no other file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from factory.errors import InputFileError
from factory.parts import write_atomically
from factory.report.blocks import Page
from factory.report.compared import compare_runs
from factory.report.compared_page import compared_page
from factory.report.facts import facts_of
from factory.report.run_page import run_page
from factory.run_record import REPORT_FILE
from factory.shown.printable import printable


def write_report(folder: Path, out: Path | None = None) -> tuple[Path, list[str]]:
    """The report of the run in this folder, and what it lacks.

    Args:
        out: Where to; `report.html` beside the record where it is not given.

    Raises:
        ManifestMismatch: There is no record of a finished run.
        InputFileError: The file cannot be written.
    """
    facts = facts_of(folder)
    path = out or folder / REPORT_FILE
    _write(path, run_page(facts))
    return path, facts.missing


def write_comparison(a: Path, b: Path, out: Path | None = None) -> tuple[Path, list[str]]:
    """Two runs by the folders of their records, side by side, and what is not known of them.

    Args:
        out: Where to; `compared-with-B.html` in the folder of A where it is not given.

    Raises:
        ManifestMismatch: One has no record of a finished run.
        InputFileError: The file cannot be written.
    """
    found = compare_runs(a, b)
    path = out or a / f"compared-with-{b.resolve().name}.html"
    _write(path, compared_page(found))
    return path, found.missing


def _write(path: Path, page: Page) -> None:
    content = rendered(page).encode()
    try:
        write_atomically(path, content)
    except OSError as error:
        raise InputFileError(
            f"{path}: expected to write the report there, found that it cannot be done "
            f"({error.strerror}); name another file with --out"
        ) from error


def rendered(page: Page) -> str:
    """The page as HTML; everything but our own pictures is escaped, and what turns or hides text
    stands there by its number."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("factory.report", "assets"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["ours"] = Markup
    style = files("factory.report").joinpath("assets/report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html.jinja").render(page=page, style=Markup(style))


def _shown(value: Any) -> Any:
    if type(value) is not str:  # numbers, and what is markup of ours
        return value
    return printable(value)
