"""A ledger for people: the funnel by domain and source, who left where, and whether it adds up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final

from factory.shown.text_table import text_table
from schemas.ledger import Group, Ledger, Left, Mismatch

_HEAD: Final = (
    "",
    "problems",
    "admitted",
    "requested",
    "failed",
    "correct",
    "not correct",
    "selected",
    "published",
)
_MOST_SOURCES: Final = 6


def ledger_text(ledger: Ledger) -> str:
    """Several lines, ready to print."""
    lines = [f"run {ledger.run}", f"dataset {ledger.dataset}", "", *_funnel(ledger.groups)]
    if len(ledger.rounds) > 1:
        rows = [
            (str(one.round), *_numbers(one.requested, one.failed, one.correct, one.not_correct))
            for one in ledger.rounds
        ]
        lines += ["", *text_table([("round", *_HEAD[3:7]), *rows], right=range(5))]
    lines += ["", *_left([*ledger.verdicts, *ledger.drops])]
    return "\n".join([*lines, "", *_verdict(ledger)])


def _funnel(groups: Sequence[Group]) -> list[str]:
    rows = [_row("all", groups)]
    for domain, some in groupby(groups, key=lambda one: one.domain):
        sources = list(some)
        rows.append(_row(domain or "(none admitted)", sources))
        rows += [_row(f"  {one.source}", [one]) for one in sources]
    return text_table([_HEAD, *rows], right=range(1, len(_HEAD)))


def _row(name: str, groups: Iterable[Group]) -> tuple[str, ...]:
    some = list(groups)
    fields: tuple[Callable[[Group], int], ...] = (
        lambda one: one.problems,
        lambda one: one.admitted,
        lambda one: one.requested,
        lambda one: one.failed,
        lambda one: one.correct,
        lambda one: one.not_correct,
        lambda one: one.selected,
        lambda one: one.published,
    )
    return (name, *_numbers(*(sum(map(field, some)) for field in fields)))


def _left(rows: Sequence[Left]) -> list[str]:
    """A line per stage and reason, with the sources that it is about."""
    order = ("collect", "generate", "grade", "select", "shard")
    shown: list[tuple[str, ...]] = [("stage", "reason", "rows", "by source")]
    for stage in order:
        of_stage = [one for one in rows if one.stage == stage]
        for reason, some in groupby(of_stage, key=lambda one: one.reason):
            sources = list(some)
            named = ", ".join(f"{one.source} {one.rows:,}" for one in sources[:_MOST_SOURCES])
            more = len(sources) - _MOST_SOURCES
            shown.append(
                (
                    stage,
                    reason,
                    f"{sum(one.rows for one in sources):,}",
                    named + (f" and {more} more" if more > 0 else ""),
                )
            )
    widths = [max(len(row[column]) for row in shown) for column in range(3)]
    return [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip()
        for row in shown
    ]


def _verdict(ledger: Ledger) -> list[str]:
    if ledger.mismatches:
        return [f"does not add up: {len(ledger.mismatches)} mismatches", *_told(ledger.mismatches)]
    begun = f" ({ledger.merged:,} of them in journeys)" if ledger.merged else ""
    return [
        f"adds up: {ledger.requested:,} candidates were requested, each is in one place: "
        f"{ledger.published:,} in rows of the dataset, {ledger.dropped:,} dropped{begun}"
    ]


def _told(mismatches: Sequence[Mismatch]) -> list[str]:
    return [f"  {one.where}: expected {one.expected}, found {one.found}" for one in mismatches]


def _numbers(*values: int) -> tuple[str, ...]:
    return tuple(f"{value:,}" for value in values)
