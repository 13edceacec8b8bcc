"""What became of the candidates of two runs, side by side: their funnels, drops and sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from factory.report.amounts import NONE, percent, whole
from factory.report.blocks import Block, Paragraph, Picture, Section, Table
from factory.report.compared import Compared
from factory.report.facts import Facts
from factory.report.rate_picture import Share, share_picture
from schemas.ledger import Group


def rows_of(facts: Facts, stage: str) -> tuple[int, int]:
    """Rows in and out of a stage, by the ledger; 0 where it is not there."""
    found = [one for one in facts.run.ledger if one.stage == stage]
    return (found[0].rows_in, found[0].rows_out) if found else (0, 0)


def compared_funnel(found: Compared) -> Section:
    """Rows and drops of each stage, and which rows of the datasets are the same."""
    sides = [{one.stage: one for one in facts.run.ledger} for facts in (found.a, found.b)]
    stages = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows: list[tuple[str, ...]] = []
    drawn: list[Share] = []
    bases = [rows_of(facts, "generate")[0] for facts in (found.a, found.b)]
    for stage in stages:
        entries = [side.get(stage) for side in sides]
        rows.append(_beside(stage, "rows out", [one and one.rows_out for one in entries]))
        reasons = dict.fromkeys(reason for one in entries if one for reason in one.drops)
        for reason in sorted(reasons):
            counts = [one and one.drops.get(reason, 0) for one in entries]
            rows.append(_beside(stage, f"dropped: {reason}", counts))
            if stage in ("generate", "select", "shard"):
                drawn.append(_dropped(f"{stage}: {reason.replace('_', ' ')}", counts, bases))
    blocks: list[Block] = []
    if drawn:
        title = "Drops by reason, of the candidates requested"
        svg = share_picture(drawn, ("A", "B"), "drops", title)
        blocks.append(Picture(svg, f"{title}, in both runs."))
    head = ("stage", "", "A", "B", "B less A")
    blocks.append(Table("Rows of each stage and drops by reason.", head, rows, left=2))
    if found.rows is not None:
        same = found.rows
        counts = ("rows", whole(same.both), whole(same.only_a), whole(same.only_b))
        head = ("datasets", "in both", "in A alone", "in B alone")
        blocks.append(Table("Rows of the datasets, by their ids.", head, [counts]))
        blocks.append(
            Paragraph(
                "Rows in both may still differ in their text: `retort dataset diff` compares them "
                "whole, and says of each group why it came or went."
            )
        )
    return Section("funnel", "The funnel", blocks)


def _beside(stage: str, what: str, counts: Sequence[int | None]) -> tuple[str, ...]:
    a, b = counts
    less = NONE if a is None or b is None else "0" if a == b else f"{b - a:+,}".replace("-", "−")
    shown = (NONE if one is None else whole(one) for one in counts)
    return (stage, what, *shown, less)


def _dropped(name: str, counts: Sequence[int | None], bases: Sequence[int]) -> Share:
    shares = [
        rows / base if rows is not None and base else None
        for rows, base in zip(counts, bases, strict=True)
    ]
    return Share(name, shares)


def compared_sources(found: Compared) -> Iterator[Section]:
    """What each source gave; none where a run was not counted."""
    if found.a.counted is None or found.b.counted is None:
        return
    sides = [
        {(one.domain, one.source): one for one in counted.groups}
        for counted in (found.a.counted, found.b.counted)
    ]
    names = sorted({*sides[0], *sides[1]})
    rows: list[tuple[str, ...]] = []
    drawn: list[Share] = []
    for name in names:
        groups = [side.get(name) for side in sides]
        label = f"{name[1]} ({name[0] or 'none admitted'})"
        drawn.append(Share(label, [_correct(one) for one in groups]))
        cells = [cell for one in groups for cell in _source_cells(one)]
        rows.append((label, *cells))
    head = ("source", *(f"{side} {what}" for side in "AB" for what in _OF_SOURCE))
    blocks: list[Block] = [Table("Sources in both runs.", head, rows)]
    if drawn and len(drawn) <= _MOST_SOURCES:
        svg = share_picture(drawn, ("A", "B"), "sources", "Correct candidates by source")
        blocks.insert(0, Picture(svg, "Correct candidates, of those graded, by source."))
    yield Section("sources", "Sources", blocks)


_OF_SOURCE = ("requested", "correct", "dataset rows")
_MOST_SOURCES = 40


def _correct(group: Group | None) -> float | None:
    graded = 0 if group is None else group.correct + group.not_correct
    return None if group is None or not graded else group.correct / graded


def _source_cells(group: Group | None) -> tuple[str, str, str]:
    if group is None:
        return NONE, NONE, NONE
    graded = group.correct + group.not_correct
    return whole(group.requested), percent(group.correct, graded), whole(group.published)
