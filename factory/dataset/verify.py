"""Is a dataset whole and what it says? Every digest and count is found again from the files.

Covered: any change of a file, of a row, of the card or of `dataset.json` that contradicts anything
else in the folder. Not covered: a forger who makes all of it fit; compare the SHA-256 of
`dataset.json`, which `retort dataset verify` prints, with that of a copy that you trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from factory.dataset.checks import Check, Fault
from factory.dataset.file_checks import check_bytes, check_names
from factory.dataset.ledger_checks import check_clusters, check_ledger
from factory.dataset.other_checks import check_digests, check_pairs, check_problems
from factory.dataset.place import described
from factory.dataset.row_checks import check_rows
from factory.dataset.said_checks import check_description, check_tables
from factory.errors import ManifestMismatch
from factory.executor import HERE, Executor
from factory.shard.configs import DEFAULT, FOLDERS, PREFERENCE, PROBLEMS
from factory.shard.description import Description, read_description
from factory.shown.progress import progress


def verify(folder: Path, *, executor: Executor = HERE) -> Iterator[Check]:
    """One check after the other, as they are made; the dataset is whole where all pass.

    The bytes of each file are read once for its SHA-256; of the default config and
    `reasoning_content` once more for their rows, shard by shard by the workers of `executor`.

    Raises:
        ManifestMismatch: `dataset.json` is missing, cannot be read, or is of an earlier format.
    """
    description = described(folder)
    yield check_names(folder, description)
    total = sum(one.bytes for one in description.files)
    with progress("bytes", total, "bytes") as bar:
        yield check_bytes(folder, description, bar.update)
    yield check_description(folder, description)
    tables = check_tables(folder, description)
    yield tables
    begins = f"{FOLDERS[DEFAULT]}/"
    rows = sum(one.bytes for one in description.files if one.path.startswith(begins))
    with progress("rows", rows, "bytes") as bar:
        checks = check_rows(folder, description, executor, bar.update)
    yield from checks
    if not (tables.passed and all(check.passed for check in checks)):
        return  # what follows joins the tables, and would only say again that they are not whole
    if {PREFERENCE, PROBLEMS} & {*description.configs, *description.digests}:
        yield check_digests(folder, description)
    joined = {"ledger": check_ledger, "clusters": check_clusters}
    others = {PREFERENCE: check_pairs, PROBLEMS: check_problems}
    joined |= {name: check for name, check in others.items() if name in description.configs}
    for name, check in joined.items():
        try:
            yield check(folder, description)
        except (OSError, pl.exceptions.PolarsError) as error:
            found = f"it cannot be read ({error})"
            fault = Fault(file=f"tables of {name}", expected="Parquet files", found=found)
            yield Check(name=name, looked_at="nothing", faults=[fault])


def must_be_whole(folder: Path, *, executor: Executor = HERE) -> Description:
    """The description of a dataset that passes every check.

    Raises:
        ManifestMismatch: It does not; every mismatch is named.
    """
    faults = [fault for check in verify(folder, executor=executor) for fault in check.faults]
    if faults:
        named = "\n".join(f"  {fault}" for fault in faults)
        raise ManifestMismatch(f"{folder} is not what it says:\n{named}")
    return read_description(folder)
