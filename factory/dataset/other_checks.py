"""Whether the configs `preference` and `problems` go with the rows they were made from."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from factory.dataset.checks import MOST_NAMED, Check, Fault, some
from factory.dataset.ledger_checks import DROPPED_FILES, samples, scan
from factory.shard.configs import FOLDERS, PREFERENCE, PROBLEMS
from factory.shard.description import Description


def check_pairs(folder: Path, description: Description) -> Check:
    """Each pair has a sample that is published and a candidate that was dropped."""
    place = f"{FOLDERS[PREFERENCE]}/"
    pairs = scan(folder, description, place)
    faults: list[Fault] = []
    if pairs is not None:
        ids = pairs.select("uuid", "rejected_id")
        rows = samples(folder, description).select("uuid")
        faults += _missing(place, ids.join(rows, on="uuid", how="anti"), "uuid", "a row of data")
        dropped = scan(folder, description, DROPPED_FILES)
        if dropped is not None:
            there = dropped.select(rejected_id="candidate_id")
            lost = ids.join(there, on="rejected_id", how="anti")
            faults += _missing(place, lost, "rejected_id", "a dropped candidate")
    looked_at = f"{description.configs[PREFERENCE]:,} pairs, each of a row and a dropped candidate"
    return Check(name=PREFERENCE, looked_at=looked_at, faults=faults)


def check_problems(folder: Path, description: Description) -> Check:
    """Each problem of a row is there, once."""
    place = f"{FOLDERS[PROBLEMS]}/"
    problems = scan(folder, description, place)
    faults: list[Fault] = []
    if problems is not None:
        ids = problems.select("problem_id")
        twice = ids.group_by("problem_id").len().filter(pl.col("len") > 1)
        faults += _missing(place, twice, "problem_id", "each problem once: not so")
        of_rows = samples(folder, description).select("problem_id").unique()
        lost = of_rows.join(ids, on="problem_id", how="anti")
        faults += _missing(place, lost, "problem_id", "the problem of each row")
    looked_at = f"{description.configs[PROBLEMS]:,} problems, those of all rows among them"
    return Check(name=PROBLEMS, looked_at=looked_at, faults=faults)


def _missing(place: str, rows: pl.LazyFrame, column: str, expected: str) -> list[Fault]:
    names = rows.select(column).unique().sort(column).collect(engine="streaming")[column]
    if not names.len():
        return []
    found = f"none for {column} {some(names.head(MOST_NAMED).to_list(), names.len())}"
    return [Fault(file=f"{place}*.parquet", expected=expected, found=found)]
