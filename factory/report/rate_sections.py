"""Accept rates by source, round, level and category, and problems by pass rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.report.amounts import percent, whole
from factory.report.blocks import Block, Picture, Section, Table
from factory.report.facts import Counted
from factory.report.rate_picture import Share, share_picture, tenths_picture
from factory.report.rates import RateRow, Rates
from schemas.ledger import Group

_MOST_DRAWN: Final = 24
_MOST_ROWS: Final = 400


def source_section(counted: Counted, rates: Rates | None) -> Section:
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


def pass_rate_section(rates: Rates) -> Section:
    """Problems by the share of their candidates that are correct."""
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
