"""The page of two runs: A beside B, and B less A."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from factory.report.amounts import NONE, duration, share, whole
from factory.report.blocks import Block, Card, Page, Paragraph, Section, Table
from factory.report.compared import Compared
from factory.report.compared_funnel import compared_funnel, compared_sources, rows_of
from factory.report.compared_scores import compared_scores
from factory.report.facts import Facts
from factory.shown.meter_text import money


def compared_page(found: Compared) -> Page:
    """Everything that the comparison of two runs says."""
    a, b = found.a.run, found.b.run
    made = [_recipes(found), compared_funnel(found), *compared_sources(found)]
    sections = [*made, *compared_scores(found), _took(found)]
    title = f"{a.run} and {b.run}"
    subtitle = f"A is {a.run} ({a.target}), B is {b.run} ({b.target})"
    return Page(title, subtitle, list(_cards(found)), sections, found.missing)


def _cards(found: Compared) -> Iterator[Card]:
    def card(label: str, of: Callable[[Facts], float], shown: Callable[[float], str]) -> Card:
        a, b = of(found.a), of(found.b)
        return Card(label, f"{shown(a)} → {shown(b)}", "no difference" if a == b else "")

    yield card("Candidates requested", lambda one: rows_of(one, "generate")[0], whole)
    yield card("Accept rate", _accept_rate, share)
    yield card("Dataset rows", lambda one: one.run.dataset.rows, whole)
    yield card("Time", _seconds, duration)


def _accept_rate(facts: Facts) -> float:
    rows_in, rows_out = rows_of(facts, "select")
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
