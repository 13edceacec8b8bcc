"""The control: what a student would learn from had nobody graded the candidates.

For each problem of the dataset it takes as many rows as the dataset has, drawn at random from all
candidates of that problem instead of the accepted ones, and as many tokens in all. A student that
learns from it differs from one that learns from the dataset in rejection sampling alone: in the
verdicts, and in the text filters that accepted rows also passed.

Left out are candidates that no student can learn from: those that were cut (their end token was
never written), and those whose `<think>` is doubled or missing before its end. Where the dataset
keeps one of equal conversations, the control does so too: of equal texts of a problem the one that
is drawn first. Rewritten forms are made of correct candidates alone, so they are drawn only where a
problem has too few others. In the place of a journey one candidate is drawn, and the tokens of all
that is in it count. Not equal: how long single rows are, only their sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from factory.digest import chance
from factory.errors import ManifestMismatch
from factory.executor import executor_of
from factory.ledger import entry
from factory.parts import read_manifest
from factory.problem_file import open_problems, write_problem_file
from factory.scratch import scratch_in
from factory.select.buckets import Output, Place, write_outputs
from factory.select.cases import prompts_of
from factory.select.control_candidates import accepted_rows, control_candidates
from factory.select.output_rows import ROW
from factory.select.pick import pass_rates
from factory.select.rows import pairs_of
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.sample import Drop

_NO_JOURNEY: Final = {
    "rejected": pl.String(),
    "rejected_part": pl.Int32(),
    "rejected_row": pl.Int32(),
    "status": pl.String(),
    "extracted": pl.String(),
}


def draw_control(
    dataset_dir: Path,
    problems_dir: Path,
    rounds: Sequence[tuple[Path, Path]],
    *,
    generate: Generate,
    dedupe: bool,
    seed: int,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """Rows of `schemas.arrow.SAMPLE` in `out_dir/data`, sorted by (problem_id, uuid).

    Args:
        dataset_dir: The dataset's folder; its rows say how many are drawn of which problem.
        problems_dir: Artifact of collect.
        rounds: (candidates, verdicts) artifacts of each round, in order.
        generate: How the teachers saw the problems.
        dedupe: Whether the dataset keeps one of equal conversations.
        seed: Decides the draw.

    Raises:
        ManifestMismatch: An artifact is not whole, or the dataset is not made from these rounds.
    """
    pairs = [pair for folders in rounds for pair in pairs_of(*folders)]
    candidates = control_candidates(pairs)
    accepted, length = accepted_rows(dataset_dir, candidates)
    wanted = dict(accepted.group_by("problem_id").len().sort("problem_id").iter_rows())
    candidates = _in_drawing_order(candidates, wanted, seed=seed, dedupe=dedupe)
    learnable = candidates.filter(pl.col("reason").is_null())
    drawn = draw(learnable, wanted=wanted, length=length, seed=seed)
    rows = candidates.filter(pl.col("candidate_id").is_in(drawn.implode()))
    rates = pass_rates(candidates.filter(~pl.col("rewritten")))
    with scratch_in(out_dir) as scratch:
        problems = scratch / "problems.arrow"
        write_problem_file(problems_dir, problems)
        place = Place(
            folder=out_dir / "data",
            scratch=scratch,
            key=key,
            rows_per_part=machine.rows_per_part,
            executor=executor_of(machine),
            problems=problems,
            problems_digest=read_manifest(problems_dir).digest,
            prompts=prompts_of(generate),
        )
        output = Output("control", _as_output(rows, rates), verified=False)
        parts = write_outputs([output], pairs, place)
        open_problems.cache_clear()
    dropped = candidates.drop_nulls("reason")
    counts = dict(dropped.group_by("reason").len().sort("reason").iter_rows())
    counts[Drop.SURPLUS.value] = candidates.height - dropped.height - rows.height
    return StageResult(
        parts=[part.model_copy(update={"path": f"data/{part.path}"}) for part in parts],
        ledger=entry("control", candidates.height, rows.height, counts),
        figures={
            "length": int(rows["length"].sum()),
            "length_of_dataset": length,
            "correct": rows.filter(pl.col("status") == "correct").height,
        },
    )


def draw(
    candidates: pl.DataFrame, *, wanted: Mapping[str, int], length: int, seed: int
) -> pl.Series:
    """Ids of the drawn candidates: the wanted number of each problem, about `length` in all.

    First every problem's rows are drawn. Then rows in an order drawn by seed are exchanged for the
    next candidate of their problem that brings the sum nearer to `length`, until none does.

    Args:
        candidates: `candidate_id`, `problem_id`, `length`; each problem's in drawing order.
        wanted: Rows per problem.
        length: Of the completions together, the aim.

    Raises:
        ManifestMismatch: A problem has fewer candidates than are wanted.
    """
    pools: dict[str, list[tuple[str, int]]] = {}
    small = candidates.select("candidate_id", "problem_id", "length")
    for one, problem, size in small.iter_rows():
        pools.setdefault(problem, []).append((one, size))
    drawn: list[tuple[str, int, list[tuple[str, int]]]] = []
    for problem, number in wanted.items():
        pool = pools.get(problem, [])
        if len(pool) < number:
            raise ManifestMismatch(
                f"control: problem {problem}: expected at least {number} candidates to draw from, "
                f"as many as the dataset has rows of it, found {len(pool)} that are finished, "
                f"whole and different"
            )
        rest = pool[number:]
        drawn += [(one, size, rest) for one, size in pool[:number]]
    excess = sum(size for _, size, _ in drawn) - length
    drawn.sort(key=lambda row: chance(seed + 1, row[0]))
    changed = True
    while changed and excess:
        changed = False
        for place, (one, size, rest) in enumerate(drawn):
            better = next((row for row in rest if abs(excess + row[1] - size) < abs(excess)), None)
            if better is not None:
                rest[rest.index(better)] = (one, size)
                drawn[place] = (*better, rest)
                excess += better[1] - size
                changed = True
    return pl.Series(sorted(one for one, _, _ in drawn), dtype=pl.String)


def _in_drawing_order(
    candidates: pl.DataFrame, wanted: Mapping[str, int], *, seed: int, dedupe: bool
) -> pl.DataFrame:
    """Each problem's candidates in an order drawn by seed, rewritten forms last; with `dedupe` a
    text that stands earlier is the reason why one cannot be drawn, so frequent texts come in as
    often as they are. Of the rewritten forms those stay that a problem lacks rows for."""
    draws = [chance(seed, one) for one in candidates["candidate_id"]]
    rows = candidates.with_columns(draw=pl.Series(draws, dtype=pl.String))
    rows = rows.sort("problem_id", "rewritten", "draw", "candidate_id")
    learnable = pl.col("reason").is_null()
    if dedupe:
        again = learnable & ~pl.struct("problem_id", "text").is_first_distinct()
        rows = rows.with_columns(
            reason=pl.when(again).then(pl.lit(Drop.EXACT_DUPLICATE.value)).otherwise("reason")
        )
    needed = pl.col("problem_id").replace_strict(
        list(wanted), list(wanted.values()), default=0, return_dtype=pl.Int64
    )
    place = learnable.cast(pl.Int64).cum_sum().over("problem_id")
    spare = learnable & pl.col("rewritten") & (place > needed)
    return rows.with_columns(
        reason=pl.when(spare).then(pl.lit(Drop.REWRITTEN.value)).otherwise("reason")
    )


def _as_output(rows: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """`output_rows.ROW` of the drawn candidates."""
    none = [pl.lit(None, kind).alias(name) for name, kind in _NO_JOURNEY.items()]
    return (
        rows.drop("status")
        .join(rates, on="problem_id", how="left")
        .with_columns(*none, uuid="candidate_id")
        .select(ROW.names())
        .cast(ROW)
        .sort("problem_id", "uuid")
    )
