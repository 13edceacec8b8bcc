"""The page of two runs: A beside B, and B less A."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from factory.report.amounts import (
    NONE,
    duration,
    percent,
    share,
    whole,
)
from factory.report.blocks import Block, Card, Page, Paragraph, Picture, Section, Table
from factory.report.compared import Compared
from factory.report.compared_scores import compared_scores
from factory.report.facts import Facts
from factory.report.rate_picture import Share, share_picture
from factory.shown.meter_text import money
from schemas.ledger import Group


def compared_page(found: Compared) -> Page:
    """Everything that the comparison of two runs says."""
    a, b = found.a.run, found.b.run
    made = [_recipes(found), _funnel(found), *_sources(found)]
    sections = [*made, *compared_scores(found), _took(found)]
    title = f"{a.run} and {b.run}"
    subtitle = f"A is {a.run} ({a.target}), B is {b.run} ({b.target})"
    return Page(title, subtitle, list(_cards(found)), sections, found.missing)


def _cards(found: Compared) -> Iterator[Card]:
    def card(label: str, of: Callable[[Facts], float], shown: Callable[[float], str]) -> Card:
        a, b = of(found.a), of(found.b)
        return Card(label, f"{shown(a)} → {shown(b)}", "no difference" if a == b else "")

    yield card("Candidates requested", lambda one: _entry(one, "generate")[0], whole)
    yield card("Accept rate", _accept_rate, share)
    yield card("Dataset rows", lambda one: one.run.dataset.rows, whole)
    yield card("Time", _seconds, duration)


def _entry(facts: Facts, stage: str) -> tuple[int, int]:
    found = [one for one in facts.run.ledger if one.stage == stage]
    return (found[0].rows_in, found[0].rows_out) if found else (0, 0)


def _accept_rate(facts: Facts) -> float:
    rows_in, rows_out = _entry(facts, "select")
    return rows_out / rows_in if rows_in else 0.0


def _seconds(facts: Facts) -> float:
    return sum(one.wall_s for one in facts.run.stages)


def _recipes(found: Compared) -> Section:
    blocks: list[Block] = []
    what = "recipes" if found.whole_recipes else "parts of the recipes that the datasets depend on"
    if found.keys:
        rows = [(one.key, one.a, one.b) for one in found.keys]
        head = ("key", "A", "B")
        said = f"Keys that differ in the {what}."
        blocks.append(Table(said, head, rows, text_columns=frozenset({1, 2})))
    elif found.keys is not None:
        blocks.append(Paragraph(f"The {what} are the same."))
    code = _code(found)
    if code:
        said = "Stages whose code has another version."
        blocks.append(Table(said, ("artifact", "A", "B"), code))
    return Section("recipes", "What was made differently", blocks)


def _code(found: Compared) -> list[tuple[str, str, str]]:
    versions = [
        {one.name: one.manifest.code_version for one in facts.made if one.manifest is not None}
        for facts in (found.a, found.b)
    ]
    return [
        (name, str(versions[0][name]), str(versions[1][name]))
        for name in versions[0]
        if name in versions[1] and versions[0][name] != versions[1][name]
    ]


# --------------------------------------------------------------------------------------- funnel


def _funnel(found: Compared) -> Section:
    sides = [{one.stage: one for one in facts.run.ledger} for facts in (found.a, found.b)]
    stages = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows: list[tuple[str, ...]] = []
    drawn: list[Share] = []
    bases = [_entry(facts, "generate")[0] for facts in (found.a, found.b)]
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


def _sources(found: Compared) -> Iterator[Section]:
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


# ------------------------------------------------------------------------------------------ time


def _took(found: Compared) -> Section:
    times = [{one.name: one.ref.wall_s for one in facts.made} for facts in (found.a, found.b)]
    names = list(dict.fromkeys([*times[0], *times[1]]))
    rows = [
        (name, *(duration(side[name]) if name in side else NONE for side in times))
        for name in names
    ]
    rows.append(("together", *(duration(_seconds(facts)) for facts in (found.a, found.b))))
    blocks: list[Block] = [Table("Time of each artifact.", ("artifact", "A", "B"), rows)]
    spent = [facts.run.spent for facts in (found.a, found.b)]
    amounts: list[tuple[str, ...]] = []
    for name, column, shown in (
        ("candidates drawn", "candidates", whole),
        ("completion tokens", "tokens", whole),
        ("prompt tokens", "prompt_tokens", whole),
        ("seconds with servers", "wall_s", whole),
        ("GPU-seconds", "gpu_s", whole),
        ("cost", "cost", money),
    ):
        values = [None if one is None else getattr(one, column) for one in spent]
        if any(value is not None for value in values):
            amounts.append((name, *(NONE if one is None else shown(one) for one in values)))
    if amounts:
        blocks.append(Table("What asking models took.", ("", "A", "B"), amounts))
    return Section("took", "Time and cost", blocks)
