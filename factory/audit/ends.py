"""Whether every candidate that was requested is in exactly one end, and who is not.

An end is a row of the dataset or a drop with its reason. A sample is the end of the last candidate
that it is made of; those before it, the beginnings of journeys, are dropped as `merged`. The ids
are taken in slices by their hash, so memory does not grow with the run; each slice reads the
columns of ids again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from factory.audit.artifacts import RunArtifacts, dataset_frames, frames
from factory.audit.counts import DROPPED_FILES
from factory.parts import read_manifest
from factory.shard.configs import DEFAULT, FOLDERS
from schemas.ledger import Mismatch
from schemas.sample import Drop, Form

SLICE_ROWS: Final = 1_000_000
"""Candidates whose ids are compared at once."""
_NAMED: Final = 3
_ID: Final = pl.Schema({"candidate_id": pl.String()})
_LAST: Final = pl.col("made_of").list.last()


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
    journeys = _journeys(found)
    ends, rules = Ends(), _rules()
    for number in range(slices):
        _look(_Slice(found, slices, number, journeys), ends, rules)
    ends.mismatches = [
        Mismatch(where=where, expected=rule.expected, found=_told(rule))
        for where, rule in rules.items()
        if rule.rows
    ]
    return ends


def _told(rule: _Wrong) -> str:
    more = f" and {rule.rows - _NAMED:,} more" if rule.rows > _NAMED else ""
    return f"{rule.rows:,} {rule.found}: {', '.join(rule.names)}{more}"


def _look(some: _Slice, ends: Ends, rules: dict[str, _Wrong]) -> None:
    candidates = some.candidates()
    failed, graded, samples = some.failures(), some.verdicts(), some.samples()
    dropped, kept = some.select_drops(), some.published()
    lost, copied = some.shard_drops()
    requested = pl.concat([candidates.select(_ID.names()), failed])
    rules["requested"].add(_several(requested))
    rules["grade"].add(_unpaired(candidates.select(_ID.names()), graded))
    chosen = pl.concat([dropped.select(_ID.names()), samples])
    rules["select"].add(_unpaired(graded, chosen))
    rules["shard"].add(_unpaired(samples, pl.concat([kept, lost])))
    merged = dropped.filter(pl.col("reason") == Drop.MERGED.value).select(_ID.names())
    rules["merged"].add(_unpaired(merged, some.beginnings()))
    rules["rewritten"].add(_absent(some.originals(), candidates))
    both = ["candidate_id", "reason"]
    rules["dataset"].add(_absent(dropped, copied, on=both))
    rules["dataset"].add(_absent(copied, dropped, on=both))
    dropped_ids = pl.concat([failed, dropped.select(_ID.names()), lost])
    rules["ends"].add(_unpaired(requested.unique(), pl.concat([kept, dropped_ids])))
    ends.requested += requested["candidate_id"].n_unique()
    ends.published += kept.height
    ends.dropped += dropped_ids.height
    ends.merged += merged.height


def _several(ids: pl.DataFrame) -> pl.DataFrame:
    return ids.filter(pl.col("candidate_id").is_duplicated())


def _absent(ids: pl.DataFrame, among: pl.DataFrame, on: list[str] | None = None) -> pl.DataFrame:
    """Those that are not among the others."""
    return ids.join(among, on=on or ["candidate_id"], how="anti").select(_ID.names())


def _unpaired(ids: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Ids that do not stand exactly once on both sides."""
    return pl.concat([_absent(ids, others), _absent(others, ids), _several(ids), _several(others)])


def _journeys(found: RunArtifacts) -> pl.DataFrame:
    """`uuid` of each journey and the candidate that it ends with."""
    some = [
        frame.filter(pl.col("form") == Form.JOURNEY.value).select("uuid", last=_LAST)
        for frame in frames(found.select, "samples", ["uuid", "form", "made_of"])
    ]
    return pl.concat([pl.DataFrame(schema={"uuid": pl.String(), "last": pl.String()}), *some])


class _Slice:
    """The ids of one slice, by what they are: frames with a column `candidate_id`."""

    def __init__(
        self, found: RunArtifacts, slices: int, number: int, journeys: pl.DataFrame
    ) -> None:
        self._found = found
        self._slices, self._number = slices, number
        self._journeys = journeys

    def candidates(self) -> pl.DataFrame:
        """Answered candidates."""
        return self._all(
            frame
            for folder, _ in self._found.rounds
            for frame in frames(folder, "candidates", ["candidate_id"])
        )

    def originals(self) -> pl.DataFrame:
        """Candidates of which there is a rewritten form."""
        return self._all(
            frame.select(candidate_id="rewrites").drop_nulls()
            for folder, _ in self._found.rounds
            for frame in frames(folder, "candidates", ["rewrites"])
        ).unique()

    def failures(self) -> pl.DataFrame:
        """Candidates that failed."""
        return self._all(
            frame
            for folder, _ in self._found.rounds
            for frame in frames(folder, "failures", ["candidate_id"])
        )

    def verdicts(self) -> pl.DataFrame:
        """Graded candidates."""
        return self._all(
            frame
            for _, folder in self._found.rounds
            for frame in frames(folder, "verdicts", ["candidate_id"])
        )

    def select_drops(self) -> pl.DataFrame:
        """`candidate_id` and `reason` of what select dropped."""
        return self._all(
            frames(self._found.select, "dropped", ["candidate_id", "reason"]), reason=True
        )

    def samples(self) -> pl.DataFrame:
        """The last candidate of each sample."""
        return self._all(
            frame.select(candidate_id=_LAST)
            for frame in frames(self._found.select, "samples", ["made_of"])
        )

    def beginnings(self) -> pl.DataFrame:
        """The candidates before the last one of each journey."""
        before = pl.col("made_of").list.head(pl.col("made_of").list.len() - 1)
        return self._all(
            frame.filter(pl.col("made_of").list.len() > 1)
            .select(candidate_id=before)
            .explode("candidate_id")
            for frame in frames(self._found.select, "samples", ["made_of"])
        )

    def published(self) -> pl.DataFrame:
        """The last candidate of each row of the dataset."""
        files = dataset_frames(self._found.dataset, f"{FOLDERS[DEFAULT]}/", ["made_of"])
        return self._all(frame.select(candidate_id=_LAST) for frame in files)

    def shard_drops(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What shard dropped, by the last candidate; and what the dataset says that select
        dropped, with the reasons."""
        own: list[pl.DataFrame] = []
        copied: list[pl.DataFrame] = []
        columns = ["candidate_id", "stage", "reason"]
        for frame in dataset_frames(self._found.dataset, DROPPED_FILES, columns):
            by_shard = pl.col("stage") == "shard"
            lost = frame.filter(by_shard).join(
                self._journeys, left_on="candidate_id", right_on="uuid", how="left"
            )
            own.append(lost.select(candidate_id=pl.coalesce("last", "candidate_id")))
            copied.append(frame.filter(~by_shard).select("candidate_id", "reason"))
        return self._all(own), self._all(copied, reason=True)

    def _all(self, some: Iterable[pl.DataFrame], *, reason: bool = False) -> pl.DataFrame:
        schema = {**_ID, "reason": pl.String()} if reason else dict(_ID)
        return pl.concat([pl.DataFrame(schema=schema), *map(self._mine, some)], rechunk=True)

    def _mine(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self._slices == 1:
            return frame
        return frame.filter(pl.col("candidate_id").hash(seed=0) % self._slices == self._number)
