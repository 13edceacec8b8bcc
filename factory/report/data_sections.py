"""Where the rows went: funnel, accept and pass rates, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.report.amounts import NONE, percent, whole
from factory.report.blocks import Block, Picture, Section, Table
from factory.report.facts import Facts
from factory.report.funnel_picture import Step, funnel_picture
from factory.report.length_section import length_section
from factory.report.rate_sections import pass_rate_section, source_section
from schemas.manifest import LedgerEntry

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
        found.append(source_section(facts.counted, facts.rates))
    if facts.rates is not None and sum(facts.rates.tenths):
        found.append(pass_rate_section(facts.rates))
    if facts.lengths is not None and facts.lengths.rows.height:
        found.append(length_section(facts.lengths))
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
