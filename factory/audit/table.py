"""A run's ledger: the funnel counted again from its parts, and the proof that it adds up.

What is proven: each stage's recount is what its manifest says, the record of the run and
`dataset.json` too; each stage takes what the one before gave; every candidate is in exactly one
end (`factory.audit.ends`); and the counts per problem that select wrote are those of the verdicts.
Not proven: that a text or a reason is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

import polars as pl

from factory.audit.artifacts import RunArtifacts, artifacts_of, frames, manifests_of
from factory.audit.counted_tables import drops_of, groups_of, rounds_of, verdicts_of
from factory.audit.counts import Counts, count
from factory.audit.ends import ends_of
from factory.ledger import FLOW, total
from factory.shard.description import read_description
from schemas.ledger import Ledger, Mismatch
from schemas.manifest import LedgerEntry
from schemas.run import Run
from schemas.verdict import Status

Key = TypeVar("Key")


def ledger_of(run: Run) -> Ledger:
    """The ledger of a run's dataset.

    Raises:
        ManifestMismatch: An artifact or the dataset is missing, or one of their files is not whole.
    """
    found = artifacts_of(run)
    counts = count(found)
    ends = ends_of(found)
    return Ledger(
        run=run.run,
        dataset=str(found.dataset),
        groups=groups_of(counts),
        drops=drops_of(counts),
        verdicts=verdicts_of(counts),
        rounds=rounds_of(counts),
        requested=ends.requested,
        published=ends.published,
        dropped=ends.dropped,
        merged=ends.merged,
        mismatches=[
            *_beside_manifests(run, found, counts),
            *_between_stages(counts),
            *_per_problem(found),
            *ends.mismatches,
        ],
    )


# -------------------------------------------------------------------------------- recounted entries


def recounted(counts: Counts) -> list[LedgerEntry]:
    """What each artifact's ledger should say, in the order of `manifests_of`; an entry that does
    not add up is given as it is."""
    rejected = counts.stage_drops("collect")
    found = [
        _entry("collect", counts.admitted.total() + rejected.total(), counts.admitted, rejected)
    ]
    for number, (drawn, failed, graded) in enumerate(
        zip(counts.candidates, counts.failed, counts.verdicts, strict=True)
    ):
        drops = counts.reasons_failed[number]
        found.append(_entry("generate", drawn.total() + failed.total(), drawn, drops))
        found.append(_entry("grade", graded.total(), graded, {}))
    dropped = counts.stage_drops("select")
    rows = counts.selected.total() + dropped.total()
    found.append(_entry("select", rows, counts.selected, dropped))
    dropped = counts.stage_drops("shard")
    rows = counts.published.total() + dropped.total()
    found.append(_entry("shard", rows, counts.published, dropped))
    return found


def _entry(stage: str, rows_in: int, out: Counter[Key], drops: Mapping[str, int]) -> LedgerEntry:
    named = {reason: rows for reason, rows in sorted(drops.items()) if rows}
    return LedgerEntry(stage=stage, rows_in=rows_in, rows_out=out.total(), drops=named)


def _beside_manifests(run: Run, found: RunArtifacts, counts: Counts) -> Iterator[Mismatch]:
    """Recounts beside what manifests, the record and `dataset.json` say."""
    mine = recounted(counts)
    for (folder, manifest), entry in zip(manifests_of(found), mine, strict=True):
        yield from _differ(f"{folder.parent.name}/{folder.name}", manifest.ledger, entry)
    summed = {one.stage: one for one in total(mine)}
    about = read_description(found.dataset)
    for where, said in ((f"run {run.run}", run.ledger), (f"{found.dataset}", about.ledger)):
        for entry in said:
            if entry.stage in summed:
                yield from _differ(f"{where}: {entry.stage}", entry, summed[entry.stage])
    if about.rows != counts.published.total():
        yield _two(f"{found.dataset}: rows", about.rows, counts.published.total())


def _differ(where: str, said: LedgerEntry, counted: LedgerEntry) -> Iterator[Mismatch]:
    for name, one, other in (
        ("rows in", said.rows_in, counted.rows_in),
        ("rows out", said.rows_out, counted.rows_out),
    ):
        if one != other:
            yield _two(f"{where}: {name}", one, other)
    for reason in sorted({*said.drops, *counted.drops}):
        one, other = said.drops.get(reason, 0), counted.drops.get(reason, 0)
        if one != other:
            yield _two(f"{where}: {reason}", one, other)


def _two(where: str, said: int, counted: int) -> Mismatch:
    return Mismatch(where=where, expected=f"{said:,} as it says", found=f"{counted:,} counted")


def _between_stages(counts: Counts) -> Iterator[Mismatch]:
    """Each stage takes what the one before gave."""
    summed = {one.stage: one for one in total(recounted(counts))}
    for before, after in pairwise(FLOW):
        if summed[before].rows_out != summed[after].rows_in:
            yield Mismatch(
                where=f"{before} to {after}",
                expected=f"{summed[before].rows_out:,} rows that {before} gave",
                found=f"{summed[after].rows_in:,} that {after} took",
            )
    unknown = [group for group in groups_of(counts) if not group.admitted and group.requested]
    for group in unknown:
        yield Mismatch(
            where="generate",
            expected="candidates of admitted problems",
            found=f"{group.requested:,} of others",
        )


# ---------------------------------------------------------------------------------- per problem


def _per_problem(found: RunArtifacts) -> Iterator[Mismatch]:
    """The counts per problem that select wrote, beside those of the verdicts."""
    said = _stacked(
        frames(found.select, "pass_rates", ["problem_id", "num_generations", "correct", "samples"])
    )
    if said is None:
        return
    graded = _summed(found)
    samples = _stacked(
        frame.group_by("problem_id").len("counted_samples")
        for frame in frames(found.select, "samples", ["problem_id"])
    )
    joined = said.join(graded, on="problem_id", how="full", coalesce=True)
    if samples is not None:
        summed = samples.group_by("problem_id").agg(pl.col("counted_samples").sum())
        joined = joined.join(summed, on="problem_id", how="left")
    for name in ("num_generations", "correct", "samples"):
        one, other = pl.col(name).fill_null(0), pl.col(f"counted_{name}").fill_null(0)
        wrong = joined.filter(one != other).sort("problem_id")
        if wrong.height:
            first = wrong.row(0, named=True)
            yield Mismatch(
                where=f"select: pass_rates: {name}",
                expected=f"{first[name] or 0} of problem {first['problem_id']}, as it says",
                found=f"{first[f'counted_{name}'] or 0} counted; {wrong.height:,} problems differ",
            )


def _summed(found: RunArtifacts) -> pl.DataFrame:
    """Graded and correct candidates per problem, rewritten forms left out."""
    some: list[pl.DataFrame] = []
    for candidates, verdicts in found.rounds:
        for drawn, graded in zip(
            frames(candidates, "candidates", ["rewrites"]),
            frames(verdicts, "verdicts", ["problem_id", "status"]),
            strict=False,
        ):
            if drawn.height == graded.height:
                own = graded.filter(drawn["rewrites"].is_null())
                some.append(
                    own.group_by("problem_id").agg(
                        counted_num_generations=pl.len(),
                        counted_correct=(pl.col("status") == Status.CORRECT.value).sum(),
                    )
                )
    return pl.concat(some).group_by("problem_id").agg(pl.all().sum())


def _stacked(some: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    listed: Sequence[pl.DataFrame] = list(some)
    return pl.concat(listed) if listed else None
