"""`retort dedupe`: near duplicates among the rows of JSONL or Parquet files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from retort import place_of_work
from retort.argument_types import number_between, whole_between
from retort.printed import say
from schemas.shard_settings import NearDuplicates


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    dedupe = commands.add_parser(
        "dedupe",
        help="one row of each cluster of near duplicates, from files",
        description="Find rows whose texts are near duplicates (Jaccard similarity of their sets "
        "of word n-grams) in JSONL, JSONL.gz or Parquet files, or folders of them, and write to "
        "OUT kept.parquet, all columns of the rows that stay, and clusters.parquet, one row per "
        "row: id, cluster_id (the id of the row of its cluster that stays; null where it is "
        "alone), kept, similarity (the highest with another row of its cluster). Exact duplicates "
        "count. What is there is replaced only by a finished result. See docs/dedupe.md.",
        epilog="Exit status: 0 where all was written, also when --skip-bad left rows out, 1 for "
        "an error, 130 when interrupted.",
    )
    dedupe.add_argument("inputs", metavar="IN", nargs="+", type=Path, help="files or folders")
    dedupe.add_argument("--out", metavar="DIR", type=Path, required=True)
    dedupe.add_argument("--id", metavar="COLUMN", default="id", help="default: %(default)s")
    dedupe.add_argument("--field", metavar="COLUMN", default="text", help="default: %(default)s")
    near = NearDuplicates()
    dedupe.add_argument(
        "--threshold",
        metavar="T",
        type=number_between(0.3, 1.0),
        default=near.threshold,
        help="similarity from which two texts are near; default: %(default)s",
    )
    dedupe.add_argument(
        "--words",
        metavar="N",
        type=whole_between(1, 32),
        default=near.words,
        help="words of an n-gram; default: %(default)s",
    )
    dedupe.add_argument(
        "--keep",
        choices=("first", "shortest", "longest"),
        default="first",
        help="which row of a cluster stays; default: %(default)s",
    )
    dedupe.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave wrong rows out and list them in bad_rows.jsonl instead of stopping",
    )
    place_of_work.add(dedupe)
    dedupe.set_defaults(act=_dedupe)


def _dedupe(arguments: argparse.Namespace) -> int:
    from factory.files.dedupe import dedupe

    work = place_of_work.work_asked(arguments)
    done = dedupe(
        work.inputs,
        work.out,
        id_column=arguments.id,
        text_column=arguments.field,
        near=NearDuplicates(threshold=arguments.threshold, words=arguments.words),
        keep=arguments.keep,
        skip_bad=arguments.skip_bad,
        executor=work.executor,
    )
    say(
        f"{arguments.out}: {done.kept} of {done.rows} rows kept; {done.rows - done.kept} are "
        f"duplicates, in {done.clusters} clusters",
    )
    if done.bad:
        say(
            f"{done.bad} rows were wrong and left out; {arguments.out / 'bad_rows.jsonl'} says why",
        )
    return 0
