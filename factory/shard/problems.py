"""The config `problems`: prompts with gold and pass rate, for reinforcement learning.

`prompt` is the list of messages that the teacher saw; a trainer of the student asks the same.
`gold` and `grader` are what a reward needs. Left out are problems that nothing can check without
other answers (the graders `given` and `majority`) and, where samples that overlap with a benchmark
are dropped, problems that do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import pyarrow as pa

from factory.generate.prompt import messages_for
from factory.parts import as_table, iter_columns, iter_parts
from schemas.arrow import MESSAGES, PROBLEM, SAMPLE
from schemas.generate_settings import Generate
from schemas.problem import GraderName, Problem

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex

SCHEMA: Final = pa.schema(
    [
        PROBLEM.field("problem_id"),
        pa.field("prompt", MESSAGES, nullable=False),
        *(PROBLEM.field(name) for name in ("gold", "grader", "domain", "category")),
        *(PROBLEM.field(name) for name in ("source", "license")),
        pa.field("pass_rate", pa.float64()),
        SAMPLE.field("num_generations"),
    ]
)
"""`pass_rate` is correct / graded over all candidates of a problem; null, with `num_generations`
0, where none was drawn."""

_UNCHECKED: Final = {GraderName.GIVEN, GraderName.MAJORITY}
_ROWS_AT_A_TIME: Final = 4096


def problem_rows(
    problems_dir: Path,
    samples_dir: Path,
    generate: Generate,
    benchmarks: BenchmarkIndex | None,
) -> Iterator[pa.Table]:
    """Rows of `SCHEMA` in the order of collect, some at a time.

    Args:
        problems_dir: Artifact of collect.
        samples_dir: Artifact of select, for the pass rates.
        generate: How problems are put.
        benchmarks: Problems that overlap with one are left out; None: none is.
    """
    rates = _rates(samples_dir)
    for part in iter_parts(problems_dir, "problems", PROBLEM):
        for batch in part.to_batches(max_chunksize=_ROWS_AT_A_TIME):
            problems = [Problem.model_validate(row) for row in batch.to_pylist()]
            checked = [one for one in problems if one.grader not in _UNCHECKED]
            found = pl.DataFrame({"problem_id": [one.problem_id for one in checked]}).join(
                rates, on="problem_id", how="left", maintain_order="left"
            )
            rows = [
                _row(problem, rate, count, generate)
                for problem, (_, rate, count) in zip(checked, found.iter_rows(), strict=True)
                if benchmarks is None or not _overlaps(problem, benchmarks)
            ]
            yield as_table(rows, SCHEMA)


def _rates(samples_dir: Path) -> pl.DataFrame:
    columns = {"problem_id": pl.String, "pass_rate": pl.Float64, "num_generations": pl.Int32}
    tables = iter_columns(samples_dir, "pass_rates", list(columns))
    frames = [cast("pl.DataFrame", pl.from_arrow(table)) for table in tables]
    return pl.concat([pl.DataFrame(schema=columns), *frames])


def _row(
    problem: Problem, pass_rate: float | None, count: int | None, generate: Generate
) -> dict[str, Any]:
    _, _, prompt = generate.asking(reasoning=problem.reasoning)
    own = problem.model_dump(mode="json", include=set(SCHEMA.names))
    messages = [one.model_dump() for one in messages_for(problem, prompt)]
    return {**own, "prompt": messages, "pass_rate": pass_rate, "num_generations": count or 0}


def _overlaps(problem: Problem, benchmarks: BenchmarkIndex) -> bool:
    earlier = [turn.content for turn in problem.history if turn.role != "system"]
    return any(benchmarks.find([problem.statement, *earlier]))
