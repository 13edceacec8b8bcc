"""The funnel of a run, counted from the parts of its artifacts and not from what they say.

Small columns alone are read, a part at a time; what is held is the group of each problem, by its
id, and the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from factory.audit.artifacts import RunArtifacts, dataset_frames, frames
from factory.shard.configs import DEFAULT, FOLDERS

DROPPED_FILES: Final = "ledger/dropped-"
_ROWS_AT_ONCE: Final = 1 << 18
_UNKNOWN: Final = "(unknown)"
"""Source of rows whose problem was not admitted; a run in which there are any does not add up."""


@dataclass
class Counts:
    """Rows by stage, reason and group; a group is (domain, source)."""

    admitted: Counter[tuple[str, str]] = field(default_factory=Counter)
    drops: Counter[tuple[str, str, tuple[str, str]]] = field(default_factory=Counter)
    """(stage, reason, group)."""
    candidates: list[Counter[tuple[str, str]]] = field(default_factory=list)
    """Per round."""
    failed: list[Counter[tuple[str, str]]] = field(default_factory=list)
    reasons_failed: list[Counter[str]] = field(default_factory=list)
    """Per round."""
    verdicts: list[Counter[tuple[str, tuple[str, str]]]] = field(default_factory=list)
    """Per round: (status, group)."""
    selected: Counter[tuple[str, str]] = field(default_factory=Counter)
    published: Counter[tuple[str, str]] = field(default_factory=Counter)

    def stage_drops(self, stage: str) -> Counter[str]:
        """Rows that a stage dropped, by reason."""
        found: Counter[str] = Counter()
        for (of, reason, _), rows in self.drops.items():
            if of == stage:
                found[reason] += rows
        return found


def count(found: RunArtifacts) -> Counts:
    """All counts of a run.

    Raises:
        ManifestMismatch: A part or a file of the dataset is not whole.
    """
    counts = Counts()
    groups = _groups(found, counts)
    of_source = _domain_of_source(counts.admitted)
    for frame in frames(found.collect, "rejected", ["source", "reason"]):
        for source, reason, rows in frame.group_by("source", "reason").len().iter_rows():
            counts.drops["collect", reason, (of_source.get(source, ""), source)] += rows
    for candidates, verdicts in found.rounds:
        drawn: Counter[tuple[str, str]] = Counter()
        for frame in _stacked(frames(candidates, "candidates", ["problem_id"])):
            drawn.update(dict(_by_group(frame, groups)))
        failed: Counter[tuple[str, str]] = Counter()
        reasons: Counter[str] = Counter()
        for frame in _stacked(frames(candidates, "failures", ["problem_id", "reason"])):
            for reason, group, rows in _by_reason(frame, "reason", groups):
                failed[group] += rows
                reasons[reason] += rows
                counts.drops["generate", reason, group] += rows
        graded: Counter[tuple[str, tuple[str, str]]] = Counter()
        for frame in _stacked(frames(verdicts, "verdicts", ["problem_id", "status"])):
            for status, group, rows in _by_reason(frame, "status", groups):
                graded[status, group] += rows
        counts.candidates.append(drawn)
        counts.failed.append(failed)
        counts.reasons_failed.append(reasons)
        counts.verdicts.append(graded)
    for frame in _stacked(frames(found.select, "samples", ["problem_id"])):
        counts.selected.update(dict(_by_group(frame, groups)))
    for frame in _stacked(frames(found.select, "dropped", ["problem_id", "reason"])):
        for reason, group, rows in _by_reason(frame, "reason", groups):
            counts.drops["select", reason, group] += rows
    rows_of = dataset_frames(found.dataset, f"{FOLDERS[DEFAULT]}/", ["problem_id"])
    for frame in _stacked(rows_of):
        counts.published.update(dict(_by_group(frame, groups)))
    lost = dataset_frames(found.dataset, DROPPED_FILES, ["problem_id", "stage", "reason"])
    for frame in _stacked(lost):
        own = frame.filter(pl.col("stage") == "shard")
        for reason, group, rows in _by_reason(own, "reason", groups):
            counts.drops["shard", reason, group] += rows
    return counts


def _stacked(some: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The frames put together to large ones: each is looked up among all problems, at a cost that
    does not depend on its size."""
    held: list[pl.DataFrame] = []
    for frame in some:
        held.append(frame)
        if sum(one.height for one in held) >= _ROWS_AT_ONCE:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def _groups(found: RunArtifacts, counts: Counts) -> pl.DataFrame:
    """`problem_id`, `domain`, `source` of each admitted problem; counts them."""
    known: list[pl.DataFrame] = []
    for frame in frames(found.collect, "problems", ["problem_id", "domain", "source"]):
        known.append(frame.with_columns(pl.col("domain", "source").cast(pl.Categorical)))
        for domain, source, rows in frame.group_by("domain", "source").len().iter_rows():
            counts.admitted[domain, source] += rows
    return pl.concat(known)


def _domain_of_source(admitted: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The domain of each source that has one alone."""
    domains: dict[str, set[str]] = {}
    for domain, source in admitted:
        domains.setdefault(source, set()).add(domain)
    return {source: next(iter(some)) for source, some in domains.items() if len(some) == 1}


def _by_group(frame: pl.DataFrame, groups: pl.DataFrame) -> Iterable[tuple[tuple[str, str], int]]:
    counted = frame.group_by("problem_id").len()
    joined = counted.join(groups, on="problem_id", how="left")
    for domain, source, rows in (
        joined.group_by("domain", "source").agg(pl.col("len").sum()).iter_rows()
    ):
        yield (domain or "", source or _UNKNOWN), rows


def _by_reason(
    frame: pl.DataFrame, reason: str, groups: pl.DataFrame
) -> Iterable[tuple[str, tuple[str, str], int]]:
    counted = frame.group_by("problem_id", reason).len()
    joined = counted.join(groups, on="problem_id", how="left")
    for why, domain, source, rows in (
        joined.group_by(reason, "domain", "source").agg(pl.col("len").sum()).iter_rows()
    ):
        yield why, (domain or "", source or _UNKNOWN), rows
