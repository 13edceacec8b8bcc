"""verdicts -> samples: every rule once over every candidate, then who is wanted, then the rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from factory.errors import ManifestMismatch
from factory.generate.rounds import rule_of
from factory.ledger import entry
from factory.parts import map_parts, read_manifest
from factory.progress import progress
from factory.select.judge import JUDGED, Pair, judge, problems_of
from factory.select.pass_rates import PASS_RATE, cost_figures, pass_rate_rows, per_problem
from factory.select.pick import beyond_per_problem, beyond_quota, drop_where, pass_rates
from factory.select.rewritten import drop_originals
from factory.select.rows import DROPPED, Texts, Writer, drop_rows, pairs_of, sample_rows
from schemas.arrow import SAMPLE
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.recipe import Generate, Rewrite, Select
from schemas.sample import Drop


def select_samples(
    problems_dir: Path,
    rounds: Sequence[tuple[Path, Path]],
    select: Select,
    *,
    generate: Generate,
    rewrite: Rewrite | None = None,
    seed: int,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """Samples from the candidates of all rounds, and every other candidate with its reason.

    A candidate is dropped under the first of: its verdict, the rules in their order, that its
    rewritten form takes its place, the pass rate of its problem (correct / graded over all rounds,
    rewritten forms left out), the number wanted per problem, the quota of its domain. Samples are
    sorted by (problem_id, uuid), drops by (problem_id, candidate_id), pass rates by problem_id;
    equal candidates give equal bytes.

    Args:
        problems_dir: Artifact of collect.
        rounds: (candidates, verdicts) artifacts of each round, in order, that of rewriting too.
        generate: How the teachers saw the problems, and how many correct candidates are wanted.
        rewrite: Which problems have samples among their rewritten forms alone; None: none.
        seed: Decides random picks and who comes first under a quota.

    Raises:
        ManifestMismatch: An artifact is not whole, two parts do not belong together, a candidate
            stands in two rounds, or a rewritten form does not belong there.
    """
    judged = _judge_all(problems_dir, rounds, select, machine)
    judged = drop_originals(judged, rewrite)
    rates = pass_rates(judged.filter(pl.col("rewrites").is_null()))
    decided = _decide(judged, rates, select, seed)
    dropped = decided.filter(pl.col("reason").is_not_null()).sort("problem_id", "candidate_id")
    chosen = decided.filter(pl.col("reason").is_null()).sort("problem_id", "candidate_id")
    problems = problems_of(problems_dir, read_manifest(problems_dir).digest)
    out = Writer(out_dir, key, machine.rows_per_part)
    texts = Texts(rounds, chosen)
    parts = out.write(
        "samples",
        chosen.join(rates, on="problem_id", how="left"),
        SAMPLE,
        partial(sample_rows, texts=texts, problems=problems, generate=generate),
    )
    parts += out.write("dropped", dropped, DROPPED, drop_rows)
    wanted = {domain.value: rule_of(generate, domain).accepted_wanted for domain in Domain}
    by_problem = per_problem(decided, wanted)
    parts += out.write("pass_rates", by_problem, PASS_RATE, pass_rate_rows)
    counts = dict(dropped.group_by("reason").len().sort("reason").iter_rows())
    return StageResult(
        parts=parts,
        ledger=entry("select", judged.height, chosen.height, counts),
        figures={**_figures(decided, rates), **cost_figures(by_problem, wanted)},
    )


def _judge_all(
    problems_dir: Path, rounds: Sequence[tuple[Path, Path]], select: Select, machine: Machine
) -> pl.DataFrame:
    pairs = [
        Pair(problems_dir, candidates_dir, candidates, verdicts_dir, verdicts, select)
        for candidates_dir, verdicts_dir in rounds
        for candidates, verdicts in pairs_of(candidates_dir, verdicts_dir)
    ]
    frames: dict[int, pl.DataFrame] = {}
    total = sum(pair.candidates.rows for pair in pairs)
    with progress("select", total, "candidates") as bar:
        workers = machine.workers or len(os.sched_getaffinity(0))
        for position, frame in map_parts(_judge, pairs, workers=workers):
            frames[position] = frame
            bar.update(frame.height)
    judged = pl.concat([JUDGED.to_frame(), *(frames[position] for position in sorted(frames))])
    twice = judged.filter(pl.col("candidate_id").is_duplicated())
    if twice.height:
        raise ManifestMismatch(
            f"select: candidate {twice['candidate_id'].min()} stands in more than one part; "
            f"expected every candidate once; delete the folders of generate and run again"
        )
    return judged


def _judge(pair: Pair) -> pl.DataFrame:
    problems = problems_of(pair.problems_dir, read_manifest(pair.problems_dir).digest)
    return judge(pair, problems)


def _decide(judged: pl.DataFrame, rates: pl.DataFrame, select: Select, seed: int) -> pl.DataFrame:
    """The judged rows with the reasons of pass rate, pick and quota filled in."""
    inside = pl.col("pass_rate").is_between(select.min_pass_rate, select.max_pass_rate)
    outside = rates.filter(~inside).select(
        "problem_id",
        why=pl.format("pass rate {} of {}", pl.col("pass_rate").round(4), "num_generations"),
    )
    decided = judged.join(outside, on="problem_id", how="left", maintain_order="left")
    decided = drop_where(decided, pl.col("why").is_not_null(), Drop.PASS_RATE, pl.col("why"))
    surplus = beyond_per_problem(
        decided.filter(pl.col("reason").is_null()),
        per_problem=select.per_problem,
        pick=select.pick,
        seed=seed,
    )
    wanted = pl.lit(f"per_problem {select.per_problem}, {select.pick}")
    decided = drop_where(decided, _among(surplus), Drop.SURPLUS, wanted)
    surplus = beyond_quota(decided.filter(pl.col("reason").is_null()), select.quota, seed=seed)
    quota = pl.format("quota of {}", "domain")
    return drop_where(decided, _among(surplus), Drop.SURPLUS, quota).drop("why")


def _among(ids: pl.DataFrame) -> pl.Expr:
    return pl.col("candidate_id").is_in(ids["candidate_id"].implode())


def _figures(decided: pl.DataFrame, rates: pl.DataFrame) -> dict[str, Any]:
    """Counts for reports: drops per reason and source, samples per domain, problems."""
    by_reason: dict[str, dict[str, int]] = {}
    grouped = decided.group_by("reason", "source").len().sort("reason", "source")
    for reason, source, count in grouped.iter_rows():
        by_reason.setdefault(reason or "kept", {})[source] = count
    kept = decided.filter(pl.col("reason").is_null())
    return {
        "rows_by_reason_and_source": by_reason,
        "samples_by_domain": dict(kept.group_by("domain").len().sort("domain").iter_rows()),
        "problems": rates.height,
        "problems_solved": rates.filter(pl.col("pass_rate") > 0).height,
        "problems_with_samples": kept["problem_id"].n_unique(),
    }
