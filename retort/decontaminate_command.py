"""`retort decontaminate`: the rows of files that overlap with benchmarks."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from factory.errors import InputFileError
from factory.recipe_file import load_machine, load_recipe
from retort import place_of_work
from retort.argument_types import share, whole_between
from retort.printed import say
from schemas.collect_settings import Overlap

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex

_AGAINST: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]{0,63})=(?P<path>.+)")

Against = tuple[str, Path, tuple[str, ...]]
"""Name, file or folder, columns."""


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    decontaminate = commands.add_parser(
        "decontaminate",
        help="rows that overlap with benchmarks, from files",
        description="Find rows whose texts overlap with an item of a benchmark, in JSONL, JSONL.gz "
        "or Parquet files, or folders of them: a short item stands in the text, or so many "
        "successive words of an item do, or so large a share of its runs of eight words; case, "
        "punctuation, Unicode forms and wrapping do not matter. Write to OUT kept.parquet, all "
        "columns of the other rows, and contaminated.parquet: id, field, benchmark, item, rule, "
        "span (the words of the text). What is there is replaced only by a finished result. See "
        "docs/decontamination.md.",
        epilog="Exit status: 0 where all was written, also when rows overlap or --skip-bad left "
        "some out, 1 for an error, 130 when interrupted.",
    )
    decontaminate.add_argument("inputs", metavar="IN", nargs="+", type=Path)
    decontaminate.add_argument("--out", metavar="DIR", type=Path, required=True)
    decontaminate.add_argument(
        "--against",
        metavar="NAME=PATH[:COLUMN,COLUMN]",
        action="append",
        type=_against,
        default=[],
        help="a benchmark: a file or folder, and the columns with its texts; default: those of "
        "--field. Can be given several times",
    )
    decontaminate.add_argument(
        "--recipe",
        metavar="RECIPE",
        default="",
        help="also the benchmarks and suites of a recipe, by its rules of overlap",
    )
    decontaminate.add_argument("--id", metavar="COLUMN", default="id", help="default: %(default)s")
    decontaminate.add_argument(
        "--field",
        metavar="COLUMN",
        action="append",
        help="a column with texts; can be given several times; default: text",
    )
    decontaminate.add_argument(
        "--words",
        metavar="N",
        type=whole_between(8, 64),
        help=f"successive words of an item that are an overlap; default: {Overlap().words}",
    )
    decontaminate.add_argument(
        "--share",
        metavar="S",
        type=share,
        help=f"share of its runs of eight words that is an overlap; default: {Overlap().share}",
    )
    decontaminate.add_argument(
        "--mark",
        action="store_true",
        help="keep all rows, and say in the column `contamination` which overlap and how",
    )
    decontaminate.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave wrong rows out and list them in bad_rows.jsonl instead of stopping",
    )
    place_of_work.add(decontaminate)
    decontaminate.set_defaults(act=_decontaminate)


def _decontaminate(arguments: argparse.Namespace) -> int:
    from factory.files.decontaminate import decontaminate

    fields: list[str] = arguments.field or ["text"]
    if not arguments.against and not arguments.recipe:
        raise InputFileError(
            "nothing to compare with: expected --against NAME=PATH or --recipe RECIPE, found none"
        )
    work = place_of_work.work_asked(arguments)
    done = decontaminate(
        work.inputs,
        work.out,
        _index(arguments, fields),
        id_column=arguments.id,
        fields=fields,
        mark=arguments.mark,
        skip_bad=arguments.skip_bad,
        executor=work.executor,
    )
    counts = ", ".join(f"{count} {name}" for name, count in done.benchmarks.items())
    say(
        f"{arguments.out}: {done.contaminated} of {done.rows} rows overlap"
        f"{f' ({counts})' if counts else ''}; "
        f"{'all are kept and marked' if arguments.mark else 'the others are kept'}",
    )
    if done.bad:
        say(
            f"{done.bad} rows were wrong and left out; {arguments.out / 'bad_rows.jsonl'} says why",
        )
    return 0


def _index(arguments: argparse.Namespace, fields: list[str]) -> BenchmarkIndex:
    from factory.collect.benchmarks import add_files, load_index

    recipe = load_recipe(arguments.recipe) if arguments.recipe else None
    overlap = recipe.collect.overlap if recipe else Overlap()
    given = {"words": arguments.words, "share": arguments.share}
    overlap = overlap.model_copy(update={key: one for key, one in given.items() if one is not None})
    suites = recipe.validation.suites if recipe and recipe.validation else []
    index = load_index(
        recipe.collect.benchmarks if recipe else [],
        [source for suite in suites for source in suite.sources],
        overlap,
        recipe.grade if recipe else None,
        load_machine(""),
    )
    for name, path, columns in arguments.against:
        add_files(index, name, path, columns or fields, InputFileError)
    return index


def _against(text: str) -> Against:
    found = _AGAINST.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"expected NAME=PATH or NAME=PATH:COLUMN,COLUMN with a name of small letters, digits, "
            f"`.`, `_` and `-`, found {text!r}"
        )
    path, columns = found["path"], ""
    if not Path(path).exists() and ":" in path:
        path, _, columns = path.rpartition(":")
    return found["name"], Path(path), tuple(filter(None, columns.split(",")))
