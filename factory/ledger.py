"""The ledger: it accounts for every row that ever entered a stage.

A stage reports one `LedgerEntry`; `entry` refuses one that does not add up, and `reconcile`
checks that what one stage gave is what the next one took. Rounds of one stage sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from factory.errors import LedgerMismatch
from schemas.manifest import LedgerEntry

FLOW = ("generate", "grade", "select", "shard")
"""Stages in which each row in is a row out of the stage before. `collect` makes the problems that
candidates are requested for; each student reads the whole dataset; the control takes what `grade`
gave and draws as many rows as the dataset has."""


def entry(stage: str, rows_in: int, rows_out: int, drops: Mapping[str, int]) -> LedgerEntry:
    """A ledger entry that adds up; drops of zero rows are left out.

    Raises:
        LedgerMismatch: `rows_in != rows_out + sum(drops)`, or a count is negative.
    """
    counted = {str(reason): n for reason, n in sorted(drops.items()) if n != 0}
    found = rows_out + sum(counted.values())
    if rows_in != found or min([rows_in, rows_out, *counted.values()]) < 0:
        raise LedgerMismatch(
            f"ledger of {stage}: expected {rows_in} rows in to equal rows out plus drops, found "
            f"{rows_out} out and {counted} ({found} in all); this is a defect of the stage, please "
            f"report it; nothing was published"
        )
    return LedgerEntry(stage=stage, rows_in=rows_in, rows_out=rows_out, drops=counted)


def total(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """One entry per stage, the rounds of a stage summed, in the order of first appearance."""
    rows_in: Counter[str] = Counter()
    rows_out: Counter[str] = Counter()
    drops: dict[str, Counter[str]] = {}
    for one in entries:
        rows_in[one.stage] += one.rows_in
        rows_out[one.stage] += one.rows_out
        drops.setdefault(one.stage, Counter()).update(one.drops)
    return [entry(stage, rows_in[stage], rows_out[stage], drops[stage]) for stage in drops]


def reconcile(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The summed ledger of a run, proven to add up from stage to stage.

    Raises:
        LedgerMismatch: A stage took other than what the stage before it gave, or a student read
            other than the whole dataset.
    """
    summed = total(entries)
    by_stage = {one.stage: one for one in summed}
    chain = [by_stage[stage] for stage in FLOW if stage in by_stage]
    pairs = list(pairwise(chain))
    if "shard" in by_stage:
        pairs += [(by_stage["shard"], one) for one in summed if one.stage.startswith("train")]
    control = by_stage.get("control")
    if control is not None:
        pairs.append((by_stage["grade"], control))
        _check("shard", by_stage["shard"].rows_out, "control", control.rows_out)
    for before, after in pairs:
        _check(before.stage, before.rows_out, after.stage, after.rows_in)
    return summed


def _check(before: str, given: int, after: str, taken: int) -> None:
    if given != taken:
        raise LedgerMismatch(
            f"ledger: {before} gave {given} rows but {after} took {taken}; delete the artifact of "
            f"{after} and run again"
        )
