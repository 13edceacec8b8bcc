"""The stage `collect`: sources -> problems, and the evidence for every row that was left out.

Order of the checks: kind of the row, limit, exact duplicates, contamination, gold. A row leaves at
the first that it fails. The stage is made again as a whole when it was interrupted: it takes
seconds to minutes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa

from factory.collect.admitted import Rejected
from factory.collect.benchmarks import load_index
from factory.collect.contamination import overlaps, same_problem
from factory.collect.gold import check_golds
from factory.collect.sources import read_source, sources_fingerprint
from factory.digest import digest
from factory.errors import SourceError
from factory.grade.code_run import count_left_out
from factory.ledger import entry
from factory.parts import as_table, part_name, write_part
from schemas.arrow import PROBLEM
from schemas.collect_settings import Benchmark, Overlap, Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.problem import GraderName, Problem
from schemas.sample import Drop

__all__ = ["REJECTED", "collect_problems", "sources_fingerprint"]

REJECTED: Final = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.large_string(), nullable=False),
    ]
)
"""Rows of `rejected-*.parquet`: `reason` is a `Drop`, `detail` its evidence."""

Some = TypeVar("Some")


def collect_problems(
    sources: Sequence[Source],
    *,
    check_gold: bool,
    against: Sequence[Source],
    benchmarks: Sequence[Benchmark] = (),
    overlap: Overlap | None = None,
    grade: Grade,
    machine: Machine,
    seed: int,
    out_dir: Path,
    key: str,
) -> StageResult:
    """Parts `problems-*` and `rejected-*`, in the order of the sources and their rows.

    Args:
        sources: Their names, and so their ids, differ.
        check_gold: Leave out problems whose grader does not accept their own gold.
        against: Sources of the suites of validation; read whole, whatever their limits, because an
            item that this run does not ask is still an item of the benchmark.
        benchmarks: Further items that no problem may overlap with.
        overlap: What counts as an overlap; None: the defaults.
        seed: Decides which problems a `limit` takes, and nothing else.

    Raises:
        SourceError: A source is wrong, or no problem is left.
        RecipeError: The path of a source is not there.
        GraderError, SandboxUnavailable: The gold check could not be done, or a source could not
            make its problems.
    """
    start = time.monotonic()
    dropped: list[Rejected] = []
    problems: list[Problem] = []
    read: dict[str, int] = {}
    for source in sources:
        reading = read_source(source, seed, grade, machine)
        read[source.name] = len(reading.problems) + len(reading.beyond_limit)
        read[source.name] += len(reading.rejected)
        problems += reading.problems
        dropped += reading.rejected
        limit = f"limit {source.limit}"
        dropped += [
            Rejected(problem_id, source.name, Drop.BEYOND_LIMIT, limit)
            for problem_id in reading.beyond_limit
        ]
    problems = _without_duplicates(problems, dropped)
    problems, hits = _without_contamination(
        problems,
        against,
        benchmarks,
        overlap=overlap or Overlap(),
        grade=grade,
        machine=machine,
        dropped=dropped,
    )
    unchecked = len(problems)
    if check_gold:
        checked = check_golds(problems, grade, machine)
        rejected, unchecked = checked.rejected, checked.unchecked
        for problem in problems:
            if grading := rejected.get(problem.problem_id):
                detail = f"{grading.status.value}: {grading.detail}"
                dropped.append(
                    Rejected(problem.problem_id, problem.source, Drop.GOLD_REJECTED, detail)
                )
        problems = [problem for problem in problems if problem.problem_id not in rejected]
    if not problems:
        counts = dict(Counter(row.reason.value for row in dropped))
        raise SourceError(
            f"sources {[source.name for source in sources]}: expected problems, found none of "
            f"{sum(read.values())} left ({counts}); `{out_dir.name}` was not made"
        )
    made_from = digest([key, seed])
    parts = _write("problems", problems, _problem, PROBLEM, machine, out_dir, made_from)
    parts += _write("rejected", dropped, _rejected, REJECTED, machine, out_dir, made_from)
    drops = Counter(row.reason.value for row in dropped)
    figures = {
        "read": read,
        "kept": dict(sorted(Counter(problem.source for problem in problems).items())),
        "gold_unchecked": unchecked,
        "contaminated_by_benchmark": hits,
        "tests_left_out": _tests_left_out(problems),
        "wall_s": time.monotonic() - start,
    }
    ledger = entry("collect", sum(read.values()), len(problems), drops)
    return StageResult(parts=parts, ledger=ledger, figures=figures)


def _tests_left_out(problems: Sequence[Problem]) -> dict[str, int]:
    """Source -> tests of its programs that no sandbox can take; empty where all can be run."""
    found: Counter[str] = Counter()
    for problem in problems:
        if problem.grader is GraderName.CODE:
            found[problem.source] += count_left_out(problem.gold)
    return {source: count for source, count in sorted(found.items()) if count}


def _without_duplicates(problems: list[Problem], dropped: list[Rejected]) -> list[Problem]:
    first: dict[str, str] = {}
    kept: list[Problem] = []
    for problem in problems:
        earlier = first.setdefault(same_problem(problem), problem.problem_id)
        if earlier == problem.problem_id:
            kept.append(problem)
        else:
            detail = f"same statement as {earlier}"
            dropped.append(
                Rejected(problem.problem_id, problem.source, Drop.DUPLICATE_PROBLEM, detail)
            )
    return kept


def _without_contamination(
    problems: list[Problem],
    against: Sequence[Source],
    benchmarks: Sequence[Benchmark],
    *,
    overlap: Overlap,
    grade: Grade,
    machine: Machine,
    dropped: list[Rejected],
) -> tuple[list[Problem], dict[str, int]]:
    """The problems without an overlap, and how many had one with which benchmark."""
    if not against and not benchmarks:
        return problems, {}
    index = load_index(benchmarks, against, overlap, grade, machine)
    hits: Counter[str] = Counter()
    kept: list[Problem] = []
    for problem, hit in overlaps(problems, index):
        if hit is None:
            kept.append(problem)
            continue
        hits[hit.benchmark] += 1
        detail = f"{hit.benchmark}, item {hit.item}, {hit.rule}: {hit.span}"
        dropped.append(
            Rejected(problem.problem_id, problem.source, Drop.CONTAMINATED_PROBLEM, detail)
        )
    return kept, dict(sorted(hits.items()))


def _problem(problem: Problem) -> dict[str, Any]:
    return problem.model_dump(mode="json")


def _rejected(row: Rejected) -> dict[str, str]:
    return asdict(row) | {"reason": row.reason.value}


def _write(
    kind: str,
    rows: list[Some],
    as_row: Callable[[Some], dict[str, Any]],
    schema: pa.Schema,
    machine: Machine,
    out_dir: Path,
    made_from: str,
) -> list[PartFile]:
    size = machine.rows_per_part
    return [
        write_part(
            out_dir,
            part_name(kind, number),
            as_table(map(as_row, rows[first : first + size]), schema),
            made_from=made_from,
        )
        for number, first in enumerate(range(0, len(rows), size))
    ]
