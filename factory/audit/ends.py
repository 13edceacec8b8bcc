"""Whether every candidate that was requested is in exactly one end, and who is not.

An end is a row of the dataset or a drop with its reason. A sample is the end of the last candidate
that it is made of; those before it, the beginnings of journeys, are dropped as `merged`. The ids
are taken in slices by their hash, so memory does not grow with the run; each slice reads the
columns of ids again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from factory.audit.artifacts import RunArtifacts
from factory.audit.id_slice import ID, IdSlice, journeys_of
from factory.parts import read_manifest
from schemas.ledger import Mismatch
from schemas.sample import Drop

SLICE_ROWS: Final = 1_000_000
"""Candidates whose ids are compared at once."""
_NAMED: Final = 3


@dataclass
class Ends:
    """Candidates by where they ended; what does not fit is named."""

    requested: int = 0
    published: int = 0
    dropped: int = 0
    merged: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)


@dataclass
class _Wrong:
    """Candidates that break one rule: how many, and the first few."""

    expected: str
    found: str
    rows: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, ids: pl.DataFrame) -> None:
        """Take in the ids that break the rule, each once."""
        some = ids["candidate_id"].unique().sort()
        self.rows += some.len()
        self.names = sorted([*self.names, *some.head(_NAMED)])[:_NAMED]


def _rules() -> dict[str, _Wrong]:
    """Every rule by the place that it is about."""
    return {
        "requested": _Wrong("each candidate requested once", "in more than one round or part"),
        "grade": _Wrong("one verdict for each candidate", "without exactly one"),
        "rewritten": _Wrong("rewritten forms of candidates of the run", "of others"),
        "select": _Wrong("each verdict selected or dropped, once", "neither, or both"),
        "merged": _Wrong(
            f"dropped as {Drop.MERGED} who begins a journey, and nobody else", "not so"
        ),
        "shard": _Wrong("each sample published or dropped, once", "neither, or both"),
        "dataset": _Wrong(
            "the drops of select, with their reasons, in the dataset's ledger", "not so"
        ),
        "ends": _Wrong("each candidate in exactly one end", "in none, or in several"),
    }


def ends_of(found: RunArtifacts, *, slice_rows: int = SLICE_ROWS) -> Ends:
    """Where the candidates of a run ended.

    Args:
        slice_rows: Candidates whose ids are held at once, about.

    Raises:
        ManifestMismatch: A part or a file of the dataset is not whole.
    """
    rounds = [read_manifest(candidates) for candidates, _ in found.rounds]
    rows = sum(part.rows for manifest in rounds for part in manifest.parts)
    slices = max(1, -(-rows // slice_rows))
    journeys = journeys_of(found)
    ends, rules = Ends(), _rules()
    for number in range(slices):
        _look(IdSlice(found, slices, number, journeys), ends, rules)
    ends.mismatches = [
        Mismatch(where=where, expected=rule.expected, found=_told(rule))
        for where, rule in rules.items()
        if rule.rows
    ]
    return ends


def _told(rule: _Wrong) -> str:
    more = f" and {rule.rows - _NAMED:,} more" if rule.rows > _NAMED else ""
    return f"{rule.rows:,} {rule.found}: {', '.join(rule.names)}{more}"


def _look(some: IdSlice, ends: Ends, rules: dict[str, _Wrong]) -> None:
    candidates = some.candidates()
    failed, graded, samples = some.failures(), some.verdicts(), some.samples()
    dropped, kept = some.select_drops(), some.published()
    lost, copied = some.shard_drops()
    requested = pl.concat([candidates.select(ID.names()), failed])
    rules["requested"].add(_several(requested))
    rules["grade"].add(_unpaired(candidates.select(ID.names()), graded))
    chosen = pl.concat([dropped.select(ID.names()), samples])
    rules["select"].add(_unpaired(graded, chosen))
    rules["shard"].add(_unpaired(samples, pl.concat([kept, lost])))
    merged = dropped.filter(pl.col("reason") == Drop.MERGED.value).select(ID.names())
    rules["merged"].add(_unpaired(merged, some.beginnings()))
    rules["rewritten"].add(_absent(some.originals(), candidates))
    both = ["candidate_id", "reason"]
    rules["dataset"].add(_absent(dropped, copied, on=both))
    rules["dataset"].add(_absent(copied, dropped, on=both))
    dropped_ids = pl.concat([failed, dropped.select(ID.names()), lost])
    rules["ends"].add(_unpaired(requested.unique(), pl.concat([kept, dropped_ids])))
    ends.requested += requested["candidate_id"].n_unique()
    ends.published += kept.height
    ends.dropped += dropped_ids.height
    ends.merged += merged.height


def _several(ids: pl.DataFrame) -> pl.DataFrame:
    return ids.filter(pl.col("candidate_id").is_duplicated())


def _absent(ids: pl.DataFrame, among: pl.DataFrame, on: list[str] | None = None) -> pl.DataFrame:
    """Those that are not among the others."""
    return ids.join(among, on=on or ["candidate_id"], how="anti").select(ID.names())


def _unpaired(ids: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Ids that do not stand exactly once on both sides."""
    return pl.concat([_absent(ids, others), _absent(others, ids), _several(ids), _several(others)])
