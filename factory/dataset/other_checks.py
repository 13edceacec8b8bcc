"""Whether the configs `preference` and `problems` go with the rows they were made from."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa

from factory.dataset.checks import MOST_NAMED, Check, Fault, some
from factory.dataset.ledger_checks import DROPPED_FILES, samples, scan
from factory.shard.configs import FOLDERS, PREFERENCE, PROBLEMS
from factory.shard.content import content_digest
from factory.shard.description import Description
from factory.shard.layout import DATASET


def check_pairs(folder: Path, description: Description) -> Check:
    """Each pair has a sample that is published and a candidate that was dropped."""
    place = f"{FOLDERS[PREFERENCE]}/"
    pairs = scan(folder, description, place)
    faults: list[Fault] = []
    if pairs is not None:
        ids = pairs.select("uuid", "rejected_id")
        rows = samples(folder, description).select("uuid")
        faults += _named(place, ids.join(rows, on="uuid", how="anti"), "uuid", "a row of data")
        dropped = scan(folder, description, DROPPED_FILES)
        if dropped is not None:
            there = dropped.select(rejected_id="candidate_id")
            lost = ids.join(there, on="rejected_id", how="anti")
            faults += _named(place, lost, "rejected_id", "a dropped candidate")
    looked_at = f"{description.configs[PREFERENCE]:,} pairs, each of a row and a dropped candidate"
    return Check(name=PREFERENCE, looked_at=looked_at, faults=faults)


def check_problems(folder: Path, description: Description) -> Check:
    """Each problem stands once. Problems of rows may be missing: some graders need other answers,
    and are no reward."""
    place = f"{FOLDERS[PROBLEMS]}/"
    problems = scan(folder, description, place)
    faults: list[Fault] = []
    if problems is not None:
        ids = problems.select("problem_id")
        twice = ids.group_by("problem_id").len().filter(pl.col("len") > 1)
        faults += _named(place, twice, "problem_id", "each problem once", "more of")
    looked_at = f"{description.configs[PROBLEMS]:,} problems, each once"
    return Check(name=PROBLEMS, looked_at=looked_at, faults=faults)


def check_digests(folder: Path, description: Description) -> Check:
    """The rows of each config that is not made from the default one have the digest that is
    said."""
    faults: list[Fault] = []
    for config, wanted in description.digests.items():
        begins = f"{FOLDERS.get(config, config)}/"
        files = [folder / one.path for one in description.files if one.path.startswith(begins)]
        try:
            found = content_digest(files)
        except (OSError, pa.ArrowInvalid) as error:
            found = f"it cannot be read ({error})"
        if found != wanted:
            expected = f"digest of rows {wanted} for config {config}"
            faults.append(Fault(file=DATASET, expected=expected, found=found))
    missing = sorted({PREFERENCE, PROBLEMS} & set(description.configs) - set(description.digests))
    faults += [
        Fault(file=DATASET, expected=f"a digest of config {config}", found="none")
        for config in missing
    ]
    looked_at = f"digests of {', '.join(description.digests)}"
    return Check(name="other configs", looked_at=looked_at, faults=faults)


def _named(
    place: str, rows: pl.LazyFrame, column: str, expected: str, found: str = "none for"
) -> list[Fault]:
    names = rows.select(column).unique().sort(column).collect(engine="streaming")[column]
    if not names.len():
        return []
    told = f"{found} {column} {some(names.head(MOST_NAMED).to_list(), names.len())}"
    return [Fault(file=f"{place}*.parquet", expected=expected, found=told)]
