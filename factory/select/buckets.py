"""Samples and preference pairs as parts, sorted, in bounded memory: an external bucket sort.

The small frames know which candidate stands in which row of which part of the output, so the
ranges of the buckets are exact. Each part of candidates is read once and its wanted rows are
spilled (`spill`); then each bucket is read, sorted, rendered and written as one part. Parts that
are there and valid are kept, and their rows are not spilled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from factory.digest import digest
from factory.executor import Executor
from factory.parts import kept_part, map_parts, part_name, write_part
from factory.problem_file import open_problems
from factory.select.cases import Prompts
from factory.select.frames import frame_digest
from factory.select.output_rows import ROW
from factory.select.render import preference_table, sample_table, with_journeys
from factory.select.rows import Pair
from factory.select.spill import NEED, Spill, read_bucket, spill
from factory.shown.progress import progress
from schemas.arrow import PREFERENCE, SAMPLE
from schemas.manifest import PartFile

_ROWS_PER_WORKER: Final = 20_000
"""Fewer rows are written before another process has started."""


@dataclass(frozen=True)
class Output:
    """Parts of one kind."""

    kind: str
    """How their names begin."""
    rows: pl.DataFrame
    """`output_rows.ROW`, sorted by (problem_id, uuid)."""
    pairs: bool = False
    """Preference pairs; else samples, those with a rejected candidate being journeys."""
    verified: bool = True
    """Whether the verdicts accepted the candidates."""


@dataclass(frozen=True)
class Place:
    """Where parts are written, from what, and by how many."""

    folder: Path
    scratch: Path
    key: str
    rows_per_part: int
    executor: Executor
    problems: Path
    """The problem file, and the digest of what it was made from."""
    problems_digest: str
    prompts: Prompts


def write_outputs(outputs: Sequence[Output], pairs: Sequence[Pair], place: Place) -> list[PartFile]:
    """The parts of all kinds in order, of each at least one, empty where it has no rows.

    Args:
        pairs: `part` in the rows counts these.
    """
    buckets = [bucket for output in outputs for bucket in _buckets(output, place)]
    parts: dict[int, PartFile] = {}
    for number, bucket in enumerate(buckets):
        kept = kept_part(place.folder, bucket.name, made_from=bucket.made_from)
        if kept is not None:
            parts[number] = kept
    missing = [number for number in range(len(buckets)) if number not in parts]
    spilled = _spill({number: buckets[number] for number in missing}, pairs, place)
    works = [_Work(buckets[number], place, spilled[number]) for number in missing]
    total = sum(work.bucket.rows.height for work in works)
    executor = place.executor.at_most(1 + total // _ROWS_PER_WORKER)
    with progress("select: writing", total, "rows") as bar:
        for position, part in map_parts(_write, works, executor=executor):
            parts[missing[position]] = part
            bar.update(part.rows)
    return [parts[number] for number in range(len(buckets))]


@dataclass(frozen=True)
class _Bucket:
    name: str
    rows: pl.DataFrame
    made_from: str
    output: Output
    """Without its rows."""


def _buckets(output: Output, place: Place) -> list[_Bucket]:
    found: list[_Bucket] = []
    about = Output(output.kind, ROW.to_frame(), output.pairs, output.verified)
    for number, start in enumerate(range(0, max(output.rows.height, 1), place.rows_per_part)):
        rows = output.rows.slice(start, place.rows_per_part).select(ROW.names())
        name = part_name(output.kind, number)
        content = frame_digest(rows.drop("part", "row", "rejected_part", "rejected_row"))
        found.append(_Bucket(name, rows, digest([place.key, name, content]), about))
    return found


def _spill(
    buckets: dict[int, _Bucket], pairs: Sequence[Pair], place: Place
) -> dict[int, list[tuple[Path, int]]]:
    """For each bucket the files with its rows, and the batches in them."""
    needs = pl.concat(
        [NEED.to_frame(), *(_needs(number, one.rows) for number, one in buckets.items())]
    )
    works = [
        Spill(pairs[part], some.select(NEED.names()), place.scratch / f"{part:06d}.arrow")
        for (part,), some in needs.group_by("part", maintain_order=True)
        if isinstance(part, int)
    ]
    found: dict[int, dict[Path, int]] = defaultdict(dict)
    executor = place.executor.at_most(1 + needs.height // _ROWS_PER_WORKER)
    with progress("select: sorting", len(works), "parts") as bar:
        for _, spilled in map_parts(spill, works, executor=executor):
            for batch, bucket in enumerate(spilled.buckets):
                found[bucket][spilled.path] = batch
            bar.update(1)
    return {number: sorted(found[number].items()) for number in buckets}


def _needs(number: int, rows: pl.DataFrame) -> pl.DataFrame:
    """`NEED` of one bucket."""
    numbered = rows.with_row_index("place").with_columns(bucket=pl.lit(number))
    accepted = numbered.with_columns(wrong=pl.lit(False))
    rejected = numbered.filter(pl.col("rejected").is_not_null()).with_columns(
        part="rejected_part", row="rejected_row", wrong=pl.lit(True)
    )
    both = pl.concat([accepted, rejected]).drop("rejected").rename({"wrong": "rejected"})
    return both.select(NEED.names()).cast(NEED)


@dataclass(frozen=True)
class _Work:
    bucket: _Bucket
    place: Place
    spilled: list[tuple[Path, int]]


def _write(work: _Work) -> PartFile:
    """One part of the output."""
    bucket, place = work.bucket, work.place
    rows = bucket.rows
    if rows.height:
        accepted, rejected = read_bucket(work.spilled)
        problems = open_problems(place.problems, place.problems_digest)
        table = sample_table(
            rows, accepted, problems, place.prompts, verified=bucket.output.verified
        )
        seconds = rows.to_dicts()
        if bucket.output.pairs:
            table = preference_table(table, [_pair(row) for row in seconds], rejected)
        else:
            table = with_journeys(table, [_journey(row) for row in seconds], rejected)
    else:
        table = (PREFERENCE if bucket.output.pairs else SAMPLE).empty_table()
    return write_part(place.folder, bucket.name, table, made_from=bucket.made_from)


def _journey(row: dict[str, Any]) -> dict[str, Any] | None:
    """The row of `journeys.JOURNEY` of a sample that ends one."""
    return {**row, "accepted": row["candidate_id"]} if row["rejected"] is not None else None


def _pair(row: dict[str, Any]) -> dict[str, Any]:
    """The row of `preference.PAIR`."""
    return {**row, "chosen": row["candidate_id"], "rejected_reason": row["status"]}
