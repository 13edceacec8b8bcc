"""verdicts -> samples: every rule once over every candidate, then who is wanted, then the rows.

Texts are read twice and never held: once to judge them part by part, once to write those that are
wanted (`buckets`). In between stands one small row per candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import polars as pl

from factory.errors import ManifestMismatch
from factory.executor import executor_of
from factory.generate.rounds import rule_of
from factory.ledger import entry
from factory.parts import map_parts, read_manifest
from factory.problem_file import open_problems, write_problem_file
from factory.scratch import scratch_in
from factory.select.buckets import Output, Place, write_outputs
from factory.select.cases import prompts_of
from factory.select.decide import decide
from factory.select.examples import Borderline
from factory.select.excluded import drop_excluded, excluded, marks_of
from factory.select.frames import DROPPED, write_frame
from factory.select.judge import JUDGED, Part, judge, judged_columns
from factory.select.output_rows import pair_rows, sample_rows
from factory.select.pass_rates import PASS_RATE, cost_figures, per_problem
from factory.select.pick import pass_rates
from factory.select.report import rule_counts, write_report
from factory.select.rewritten import drop_originals
from factory.select.rows import Pair, pairs_of
from factory.shown.progress import progress
from schemas.generate_settings import Generate, Rewrite
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.select_settings import Select

_CANDIDATES_PER_WORKER: Final = 4096
"""Fewer are judged before another process has started."""


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

    A candidate is dropped under the first of: its verdict, the rules in their order, a mark, that
    its rewritten form takes its place, the pass rate of its problem (correct / graded over all
    rounds, rewritten forms left out), the number wanted per problem, the quota of its category or
    domain. One that a journey begins with is dropped as `merged`. Samples and preference pairs are
    sorted by (problem_id, uuid), drops by (problem_id, candidate_id), pass rates by problem_id;
    equal candidates give equal bytes. `report.md` beside the parts shows what each rule dropped;
    its counts are in the figures, see `report.rule_counts`.

    Args:
        problems_dir: Artifact of collect.
        rounds: (candidates, verdicts) artifacts of each round, in order, that of rewriting too.
        generate: How the teachers saw the problems, and how many correct candidates are wanted.
        rewrite: Which problems have samples among their rewritten forms alone; None: none.
        seed: Decides random picks, journeys and pairs, and who comes first under a quota.

    Raises:
        RecipeError, InputFileError: A file of `[select] exclude` is missing or no file of marks.
        ManifestMismatch: An artifact is not whole, two parts do not belong together, a candidate
            stands in two rounds, or a rewritten form does not belong there.
        SchemaMismatch: A part has other columns or types, or a value that there cannot be.
    """
    pairs = [pair for folders in rounds for pair in pairs_of(*folders)]
    digest = read_manifest(problems_dir).digest
    with scratch_in(out_dir) as scratch:
        problems = scratch / "problems.arrow"
        write_problem_file(problems_dir, problems)
        place = Place(
            folder=out_dir,
            scratch=scratch,
            key=key,
            rows_per_part=machine.rows_per_part,
            executor=executor_of(machine),
            problems=problems,
            problems_digest=digest,
            prompts=prompts_of(generate),
        )
        judged, nearest = _judge_all(pairs, select, place)
        marked = excluded(judged, marks_of(select.exclude))
        judged = drop_originals(drop_excluded(judged, marked), rewrite)
        own = judged.lazy().filter(pl.col("rewrites").is_null())
        rates = pass_rates(own.select("problem_id", "status").collect())
        decided = decide(judged, rates, select, seed, marked=marked)
        del judged
        outputs = [Output("samples", sample_rows(decided, rates))]
        if select.pairs_per_problem:
            outputs.append(Output("preference", pair_rows(decided, rates), pairs=True))
        parts = write_outputs(outputs, pairs, place)
        open_problems.cache_clear()
    dropped = decided.rows.filter(pl.col("reason").is_not_null())
    dropped = dropped.sort("problem_id", "candidate_id")
    parts += write_frame(
        out_dir, "dropped", dropped, DROPPED, key=key, rows_per_part=machine.rows_per_part
    )
    wanted = {domain.value: rule_of(generate, domain).accepted_wanted for domain in Domain}
    by_problem = per_problem(decided.rows, wanted)
    parts += write_frame(
        out_dir, "pass_rates", by_problem, PASS_RATE, key=key, rows_per_part=machine.rows_per_part
    )
    counts = dict(dropped.group_by("reason").len().sort("reason").iter_rows())
    rules = rule_counts(decided.rows)
    write_report(out_dir, rules, decided.rows, rates, nearest, select)
    return StageResult(
        parts=parts,
        ledger=entry("select", decided.rows.height, decided.rows.height - dropped.height, counts),
        figures={
            **_figures(decided.rows, rates),
            "rules": rules,
            **({"exclude": marked.figures()} if select.exclude else {}),
            **cost_figures(by_problem, wanted),
        },
    )


def _judge_all(
    pairs: Sequence[Pair], select: Select, place: Place
) -> tuple[pl.DataFrame, Borderline]:
    works = [
        Part(number, pair, place.problems, place.problems_digest, select, place.prompts)
        for number, pair in enumerate(pairs)
    ]
    frames: dict[int, pl.DataFrame] = {}
    nearest = Borderline()
    total = sum(pair.candidates.rows for pair in pairs)
    with progress("select", total, "candidates") as bar:
        executor = place.executor.at_most(1 + total // _CANDIDATES_PER_WORKER)
        for position, found in map_parts(judge, works, executor=executor):
            frames[position] = found.rows
            nearest.add(found.examples)
            bar.update(found.rows.height)
    judged = _compact([frames.pop(one) for one in sorted(frames)], judged_columns(select))
    _check_once(judged, pairs)
    return judged, nearest


def _check_once(judged: pl.DataFrame, pairs: Sequence[Pair]) -> None:
    if judged["candidate_id"].n_unique() < judged.height:
        again = pl.col("candidate_id").is_duplicated()
        twice = judged.filter(again).sort("candidate_id", "part", "row")
        places = [
            f"{pairs[part].candidates_path}, row {row}"
            for part, row in twice.select("part", "row").head(2).iter_rows()
        ]
        raise ManifestMismatch(
            f"select: expected every candidate once, found {twice['candidate_id'][0]} in "
            f"{' and in '.join(places)}; delete the folders of generate and run again"
        )


def _figures(decided: pl.DataFrame, rates: pl.DataFrame) -> dict[str, Any]:
    """Counts for reports: drops per reason and source, samples per domain, problems."""
    by_reason: dict[str, dict[str, int]] = {}
    grouped = decided.group_by("reason", pl.col("source").cast(pl.String)).len()
    for reason, source, count in grouped.sort("reason", "source").iter_rows():
        by_reason.setdefault(reason or "kept", {})[source] = count
    kept = decided.filter(pl.col("reason").is_null())
    return {
        "rows_by_reason_and_source": by_reason,
        "samples_by_domain": dict(kept.group_by("domain").len().sort("domain").iter_rows()),
        "problems": rates.height,
        "problems_solved": rates.filter(pl.col("pass_rate") > 0).height,
        "problems_with_samples": kept["problem_id"].n_unique(),
    }


def _compact(pieces: list[pl.DataFrame], columns: list[str]) -> pl.DataFrame:
    """One frame, in memory of its own: what comes from another process holds on to the whole
    message that it came in, and to all columns of it, as long as one text of it is there."""
    texts = [name for name in columns if JUDGED[name] == pl.String]
    whole = JUDGED.to_frame().select(columns)
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        plain = piece.select(texts).to_arrow(compat_level=pl.CompatLevel.oldest())
        own = cast("pl.DataFrame", pl.from_arrow(plain))
        whole.extend(piece.with_columns(own.get_columns()))
    return whole
