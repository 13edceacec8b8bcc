"""What each rule dropped: counts, rates per source, and a few real examples, borderline ones first.

Written as `report.md` beside the parts, for people who set the limits of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from factory.parts import write_atomically
from factory.select.examples import AT_MOST, Borderline, Example
from factory.select.rules import RULES
from factory.shown.progress import say
from schemas.sample import Drop
from schemas.select_settings import Select
from schemas.verdict import Status

REPORT: Final = "report.md"

RuleCounts = dict[str, dict[str, list[int]]]

_VERDICTS: Final = [
    status.value for status in Status if status not in (Status.CORRECT, Status.INFRA)
]
_BEYOND: Final = [
    Drop.EXCLUDED.value,
    Drop.REWRITTEN.value,
    Drop.PASS_RATE.value,
    Drop.SURPLUS.value,
]
_RULES: Final = {reason.value: rule for reason, rule in RULES}
_WITH_LIMIT: Final = {*_RULES, Drop.PASS_RATE.value} - {
    Drop.TRUNCATED.value,
    Drop.BAD_FORMAT.value,
}
_WORDS: Final = {
    Drop.EXCLUDED.value: "A person marked it to be left out (`[select] exclude`).",
    Drop.REWRITTEN.value: "A correct candidate in whose place rewritten forms stand.",
    Drop.PASS_RATE.value: "The pass rate of its problem is out of bounds.",
    Drop.SURPLUS.value: "Beyond the samples wanted per problem, or a quota.",
    Drop.MERGED.value: "A wrong candidate that a journey begins with, which is a sample.",
    Drop.TRUNCATED.value: "Cut at the token limit, by the verdict or by the rule.",
}


def rule_counts(decided: pl.DataFrame) -> RuleCounts:
    """`{reason: {source: [dropped, seen]}}` in the order in which reasons are looked at.

    `seen` counts the candidates of the source that no earlier reason had dropped, so that
    dropped / seen is the rate of the rule; verdicts and `merged` (a wrong candidate that a journey
    begins with) see all. Every rule is there, with 0 where it dropped none; other reasons where
    they dropped some. Reasons: `schemas.sample.Drop`.

    Args:
        decided: `source`, `reason` (null: it is a sample), `status`; one row per candidate.
    """
    grouped = (
        decided.group_by(pl.col("source").cast(pl.String), "reason", correct=_correct())
        .len()
        .sort("source", "reason", "correct")
    )
    sources: dict[str, int] = {}
    dropped: dict[tuple[str, str, bool], int] = {}
    for source, reason, correct, count in grouped.iter_rows():
        sources[source] = sources.get(source, 0) + count
        if reason is not None:
            dropped[reason, source, correct] = count
    wrong: RuleCounts = {}
    for reason in [*_VERDICTS, Drop.MERGED.value]:
        found = {source: dropped.get((reason, source, False), 0) for source in sources}
        if any(found.values()):
            wrong[reason] = {source: [found[source], sources[source]] for source in sources}
    merged = wrong.pop(Drop.MERGED.value, None)
    counts = dict(wrong)
    left = dict(sources)
    for (_, source, correct), count in dropped.items():
        left[source] -= 0 if correct else count
    for reason in [*_RULES, *_BEYOND]:
        found = {source: dropped.get((reason, source, True), 0) for source in sources}
        if reason in _RULES or any(found.values()):
            of_reason = counts.setdefault(reason, {source: [0, 0] for source in sources})
            for source in sources:
                of_reason[source] = [
                    of_reason[source][0] + found[source],
                    max(of_reason[source][1], left[source]),
                ]
        for source in sources:
            left[source] -= found[source]
    return counts if merged is None else {**counts, Drop.MERGED.value: merged}


def write_report(
    folder: Path,
    counts: RuleCounts,
    decided: pl.DataFrame,
    rates: pl.DataFrame,
    nearest: Borderline,
    select: Select,
) -> Path:
    """Write `report.md` and say where it is.

    Args:
        decided: `candidate_id`, `problem_id`, `source`, `reason`, `detail`.
        rates: As `pick.pass_rates` gives them.
        nearest: Examples of verdicts and rules; those of later reasons are added here.
    """
    merged = decided.filter(pl.col("reason") == Drop.MERGED.value).select("candidate_id")
    wrong = pl.Series([one.candidate_id for one in nearest.examples()], dtype=pl.String)
    gone = set(merged.filter(pl.col("candidate_id").is_in(wrong.implode()))["candidate_id"])
    shown = [one for one in nearest.examples() if one.candidate_id not in gone]
    shown += _late_examples(decided, rates, select)
    path = folder / REPORT
    kept = decided["reason"].null_count()
    write_atomically(path, render_report(counts, shown, decided.height, kept).encode())
    say(f"select: what each rule dropped, with examples: {path}")
    return path


def _late_examples(decided: pl.DataFrame, rates: pl.DataFrame, select: Select) -> list[Example]:
    """Of reasons that are given when the rules are through; no text decided."""
    rate = pl.col("pass_rate")
    outside = pl.max_horizontal(select.min_pass_rate - rate, rate - select.max_pass_rate)
    some = (
        decided.filter(pl.col("reason").is_in([*_BEYOND, Drop.MERGED.value]))
        .join(rates, on="problem_id", how="left")
        .with_columns(margin=pl.when(reason=Drop.PASS_RATE.value).then(outside).otherwise(0.0))
        .sort("reason", "margin", "candidate_id")
        .filter(pl.int_range(pl.len()).over("reason") < AT_MOST)
    )
    columns = ["reason", "margin", "candidate_id", "problem_id", "source", "detail"]
    return [Example(*row, excerpt="") for row in some.select(columns).iter_rows()]


def render_report(
    counts: Mapping[str, Mapping[str, Sequence[int]]],
    examples: Sequence[Example],
    candidates: int,
    samples: int,
) -> str:
    """The report as Markdown; equal counts and examples give equal text."""
    lines = [
        "# What selection dropped",
        "",
        f"{candidates:,} candidates, {samples:,} samples. A candidate is counted under the first "
        "reason that drops it; a rate is what a reason dropped of what came to it. Examples are "
        "borderline ones first: the margin says how far beyond the limit they are.",
    ]
    for reason, sources in counts.items():
        lines += ["", f"## {reason}", "", _about(reason), "", *_rates(sources)]
        lines += _shown(one for one in examples if one.reason == reason)
    return "\n".join(lines) + "\n"


def _about(reason: str) -> str:
    if reason in _WORDS:
        return _WORDS[reason]
    rule = _RULES.get(reason)
    first = (rule.__doc__ or "").partition("\n\n")[0] if rule else "The verdict of the grader."
    return " ".join(first.split())


def _rates(sources: Mapping[str, Sequence[int]]) -> list[str]:
    total = [sum(one[place] for one in sources.values()) for place in (0, 1)]
    rows = [*sources.items(), ("all", total)]
    table = ["| source | dropped | of | rate |", "|---|---|---|---|"]
    for source, (dropped, seen) in rows:
        rate = f"{100 * dropped / seen:.2f}%" if seen else "–"
        table.append(f"| {source} | {dropped:,} | {seen:,} | {rate} |")
    return table


def _shown(examples: Iterable[Example]) -> list[str]:
    lines: list[str] = []
    for one in examples:
        margin = f", margin {one.margin:.2f}" if one.reason in _WITH_LIMIT else ""
        lines += ["", f"- problem `{one.problem_id}`, candidate `{one.candidate_id}`{margin}"]
        lines += ["", f"      {_line(one.evidence).removesuffix(':')}"]
        if one.excerpt:
            lines += [f"      > {_line(one.excerpt)}"]
    return lines


def _line(text: str) -> str:
    return " ".join(text.split())


def _correct() -> pl.Expr:
    return pl.col("status") == Status.CORRECT.value
