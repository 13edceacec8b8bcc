"""The page of one run: the headline row and its sections."""

from __future__ import annotations

import math
from collections.abc import Iterator

from factory.report.amounts import duration, percent, points, span, whole
from factory.report.blocks import Card, Page
from factory.report.data_sections import data_sections
from factory.report.facts import SHOWN, Facts
from factory.report.made_sections import made_sections
from factory.report.student_sections import student_sections
from factory.report.work_sections import work_sections
from factory.shown.meter_text import money
from schemas.run import Run
from schemas.score import Score


def run_page(facts: Facts) -> Page:
    """Everything that the report of a run says."""
    run = facts.run
    sections = [
        *data_sections(facts),
        *work_sections(facts),
        *student_sections(facts),
        *made_sections(facts),
    ]
    subtitle = f"{run.target} on the recipe {run.recipe}"
    return Page(run.run, subtitle, list(_cards(facts)), sections, facts.missing)


def _cards(facts: Facts) -> Iterator[Card]:
    run = facts.run
    ledger = {one.stage: one for one in run.ledger}
    if collect := ledger.get("collect"):
        yield Card("Problems", whole(collect.rows_out), f"of {whole(collect.rows_in)} read")
    if generate := ledger.get("generate"):
        yield Card(
            "Candidates", whole(generate.rows_out), f"of {whole(generate.rows_in)} requested"
        )
    if select := ledger.get("select"):
        detail = f"{whole(select.rows_out)} samples of {whole(select.rows_in)} graded"
        yield Card("Accept rate", percent(select.rows_out, select.rows_in), detail)
    yield Card("Dataset", whole(run.dataset.rows), f"rows, version {run.dataset.version}")
    yield from _gains(run)
    seconds = sum(one.wall_s for one in run.stages)
    spent = run.spent
    parts = [f"{len(run.stages)} artifacts"]
    if spent is not None and spent.gpu_s is not None:
        parts.append(f"{spent.gpu_s / 3600:,.2f} GPU-hours of drawing")
    if spent is not None and spent.cost is not None:
        parts.append(f"cost {money(spent.cost)}")
    yield Card("Time", duration(seconds), ", ".join(parts))


def _gains(run: Run) -> Iterator[Card]:
    """Each student beside its base: paired where the run compared them, else from their scores."""
    compared = False
    for one in run.comparisons:
        if (one.suite, one.role, one.other_role, one.metric) == ("all", "student", "base", SHOWN):
            compared = True
            detail = f"points beside {one.other}, {span(one.low, one.high)}"
            yield Card(f"Gain of {one.model}", points(one.difference), detail)
    if compared:
        return
    overall = [one for one in run.scores if (one.suite, one.metric) == ("all", SHOWN)]
    for student in (one for one in overall if one.role == "student"):
        base = _base_of(student, overall)
        if base is None:
            continue
        half = 1.96 * math.hypot(student.stderr, base.stderr)
        gain = student.value - base.value
        detail = f"points beside {base.model}, {span(gain - half, gain + half)}, not paired"
        yield Card(f"Gain of {student.model}", points(gain), detail)


def _base_of(student: Score, scores: list[Score]) -> Score | None:
    """The base of the student's architecture, where there is one alone."""
    found = [one for one in scores if one.role == "base" and one.arch == student.arch]
    return found[0] if len(found) == 1 else None
