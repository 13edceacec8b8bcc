"""Where the rows went: funnel, accept and pass rates, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from factory.report.amounts import NONE, percent, whole
from factory.report.blocks import Block, Paragraph, Picture, Section, Table
from factory.report.facts import Counted, Facts
from factory.report.funnel_picture import Step, funnel_picture
from factory.report.length_picture import Panel, length_picture
from factory.report.lengths import Lengths, mean, quantile, rows_in
from factory.report.rate_picture import Share, share_picture, tenths_picture
from factory.report.rates import RateRow, Rates
from schemas.ledger import Group
from schemas.manifest import LedgerEntry

_MOST_DRAWN: Final = 24
_MOST_ROWS: Final = 400
_NAMES: Final = {
    "collect": "problems",
    "generate": "candidates",
    "grade": "graded",
    "select": "samples",
    "shard": "dataset",
}
"""What a stage's rows out are called."""


def data_sections(facts: Facts) -> list[Section]:
    """The sections about data; those without anything to say are left out."""
    found = [_funnel(facts)]
    if facts.counted is not None:
        found.append(_sources(facts.counted, facts.rates))
    if facts.rates is not None and sum(facts.rates.tenths):
        found.append(_rates(facts.rates))
    if facts.lengths is not None and facts.lengths.rows.height:
        found.append(_lengths(facts.lengths))
    return found


# --------------------------------------------------------------------------------------- funnel


def _funnel(facts: Facts) -> Section:
    ledger = {one.stage: one for one in facts.run.ledger}
    blocks: list[Block] = []
    if "collect" in ledger and ledger["collect"].drops:
        blocks.append(
            Picture(
                funnel_picture(
                    _steps("problems read", [ledger["collect"]]), "problems", "problems"
                ),
                "Problems read and admitted, and why others were not.",
            )
        )
    path = [ledger[one] for one in ("generate", "select", "shard") if one in ledger]
    if path:
        blocks.append(
            Picture(
                funnel_picture(_steps("requested", path), "candidates", "funnel"),
                "Candidates from request to dataset; hatched: what was dropped, by reason; shares "
                "are of the widest bar.",
            )
        )
    rows = [
        (
            one.stage,
            whole(one.rows_in),
            whole(one.rows_out),
            percent(one.rows_out, one.rows_in),
            ", ".join(f"{reason} {n:,}" for reason, n in _most_first(one)) or NONE,
        )
        for one in facts.run.ledger
    ]
    blocks.append(
        Table(
            "Rows in are rows out plus drops, in every stage.",
            ("stage", "rows in", "rows out", "kept", "drops by reason"),
            rows,
            text_columns=frozenset({4}),
        )
    )
    return Section("funnel", "The funnel", blocks)


def _most_first(entry: LedgerEntry) -> list[tuple[str, int]]:
    return sorted(entry.drops.items(), key=lambda one: (-one[1], one[0]))


def _steps(first: str, path: Sequence[LedgerEntry]) -> list[Step]:
    steps = [Step(first, path[0].rows_in)]
    for one in path:
        drops = _most_first(one)
        if drops or one is path[-1]:
            steps.append(Step(_NAMES.get(one.stage, one.stage), one.rows_out, drops))
    return steps


# --------------------------------------------------------------------------- by source and level


def _sources(counted: Counted, rates: Rates | None) -> Section:
    """Accept rates of sources and levels."""
    groups = sorted(counted.groups, key=lambda one: (-one.requested, one.domain, one.source))
    drawn = [one for one in groups if one.requested][:_MOST_DRAWN]
    blocks: list[Block] = []
    if drawn:
        blocks.append(
            Picture(
                share_picture(
                    [
                        Share(
                            f"{one.source} ({one.domain})",
                            (
                                _ratio(one.correct, one.correct + one.not_correct),
                                _ratio(one.selected, one.requested),
                                _ratio(one.published, one.requested),
                            ),
                        )
                        for one in drawn
                    ],
                    ("correct of graded", "samples of requested", "dataset rows of requested"),
                    "sources",
                    "Rates by source",
                ),
                _first_of("Rates by source", len(drawn), len(groups)),
            )
        )
    rows = [_source_row("all", counted.groups)]
    rows += [
        _source_row(f"{one.source} ({one.domain or 'none admitted'})", [one]) for one in groups
    ]
    head = ("source", "problems", "admitted", "requested", "failed", "correct", "correct of graded",
            "samples", "dataset rows", "rows of requested")  # fmt: skip
    said = "Sources, those with most candidates first."
    if len(groups) > _MOST_ROWS:
        said += f" The first {_MOST_ROWS} of {len(groups):,}; `retort ledger` has all."
    blocks.append(Table(said, head, rows[: _MOST_ROWS + 1]))
    if len(counted.rounds) > 1:
        blocks.append(
            Table(
                "Rounds of drawing.",
                ("round", "requested", "failed", "correct", "not correct", "correct of graded"),
                [
                    (
                        str(one.round),
                        *map(whole, (one.requested, one.failed, one.correct, one.not_correct)),
                        percent(one.correct, one.correct + one.not_correct),
                    )
                    for one in counted.rounds
                ],
            )
        )
    if rates is not None:
        blocks += _levels(rates.by_level, "level")
        blocks += _levels(rates.by_category, "category")
    return Section("sources", "Accept rates by source and level", blocks)


def _first_of(what: str, shown: int, of: int) -> str:
    return f"{what}." if shown == of else f"{what}, the {shown} with most of {of}."


def _source_row(name: str, groups: Sequence[Group]) -> tuple[str, ...]:
    def total(column: str) -> int:
        return sum(getattr(one, column) for one in groups)

    graded = total("correct") + total("not_correct")
    return (
        name,
        *map(whole, map(total, ("problems", "admitted", "requested", "failed", "correct"))),
        percent(total("correct"), graded),
        *map(whole, map(total, ("selected", "published"))),
        percent(total("published"), total("requested")),
    )


def _ratio(part: int, of: int) -> float | None:
    return part / of if of else None


def _levels(rows: Sequence[RateRow], what: str) -> list[Block]:
    if not rows:
        return []
    drawn = sorted(rows, key=lambda one: (-one.graded, one.domain, one.name))[:_MOST_DRAWN]
    drawn = [one for one in rows if one in drawn]
    shares = [
        Share(
            _level_name(one),
            (
                _ratio(one.correct, one.graded),
                _ratio(one.solved, one.problems),
                _ratio(one.samples, one.graded),
            ),
        )
        for one in drawn
    ]
    series = ("correct of graded", "problems solved", "samples of graded")
    title = f"Rates by {what}"
    head = (what, "problems", "solved", "graded", "correct", "correct of graded", "samples")
    cells = [
        (
            _level_name(one),
            *map(whole, (one.problems, one.solved, one.graded, one.correct)),
            percent(one.correct, one.graded),
            whole(one.samples),
        )
        for one in rows[:_MOST_ROWS]
    ]
    said = f"Problems and candidates by {what}."
    if len(rows) > _MOST_ROWS:
        said += f" The first {_MOST_ROWS} of {len(rows):,}."
    return [
        Picture(
            share_picture(shares, series, f"by-{what}", title),
            _first_of(title, len(drawn), len(rows)),
        ),
        Table(said, head, cells, folded=True),
    ]


def _level_name(one: RateRow) -> str:
    return f"{one.domain}: {one.name or '(none given)'}"


def _rates(rates: Rates) -> Section:
    all_of_them = sum(rates.tenths)
    names = [*(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}" for tenth in range(10)), "1"]
    return Section(
        "pass-rates",
        "Pass rates",
        [
            Picture(
                tenths_picture(rates.tenths, "tenths"),
                "Problems by the share of their graded candidates that are correct.",
            ),
            Table(
                "Problems by pass rate; the upper bound is not in its row.",
                ("pass rate", "problems", "share"),
                [
                    (name, whole(rows), percent(rows, all_of_them))
                    for name, rows in zip(names, rates.tenths, strict=True)
                ],
                folded=True,
            ),
        ],
    )


# --------------------------------------------------------------------------------------- lengths


def _lengths(lengths: Lengths) -> Section:
    domains = sorted({*lengths.rows["domain"]})
    blocks: list[Block] = []
    if lengths.without:
        blocks.append(
            Paragraph(f"{lengths.without:,} candidates have no count of tokens and are not shown.")
        )
    groups = (
        ("correct", ("correct", "not correct"), "Lengths of correct and other candidates"),
        ("kept", ("in the dataset", "dropped"), "Lengths of published and dropped candidates"),
    )
    for column, names, title in groups:
        panels = [
            Panel(
                domain or "(unknown)",
                lengths.where(pl.col("domain") == domain, pl.col(column)),
                lengths.where(pl.col("domain") == domain, ~pl.col(column)),
            )
            for domain in domains
        ]
        svg = length_picture(panels, names, lengths.unit, f"lengths-{column}", title)
        blocks.append(Picture(svg, f"{title}, by domain."))
    rows: list[tuple[str, ...]] = []
    for domain in domains:
        here = pl.col("domain") == domain
        name = domain or "(unknown)"
        rows += [
            _length_row(f"{name}: correct", lengths.where(here, pl.col("correct"))),
            _length_row(f"{name}: not correct", lengths.where(here, ~pl.col("correct"))),
            _length_row(f"{name}: in the dataset", lengths.where(here, pl.col("kept"))),
            _length_row(f"{name}: dropped", lengths.where(here, ~pl.col("kept"))),
        ]
    head = ("candidates", "rows", "mean", "10%", "median", "90%", "99%", "longest")
    blocks.append(Table(f"Lengths in {lengths.unit}.", head, rows))
    return Section("lengths", "Lengths", blocks)


def _length_row(name: str, lengths: pl.DataFrame) -> tuple[str, ...]:
    if lengths.is_empty():
        return (name, "0", *[NONE] * 6)
    shares = (0.1, 0.5, 0.9, 0.99, 1.0)
    return (
        name,
        whole(rows_in(lengths)),
        f"{mean(lengths):,.1f}",
        *(whole(quantile(lengths, one)) for one in shares),
    )
