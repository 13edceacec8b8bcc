"""Scores of two runs beside each other, and models that both measured, paired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from factory.report.amounts import NONE, interval, p_value, points, share, span, whole
from factory.report.blocks import Block, Picture, Section, Table
from factory.report.compared import Compared
from factory.report.facts import ROLES, SHOWN
from factory.report.score_picture import Dot, SuitePanel, score_picture
from factory.report.score_section import suites_of
from schemas.score import Score


def compared_scores(found: Compared) -> Iterator[Section]:
    """The section; none where neither run has scores."""
    sides = [facts.run.scores for facts in (found.a, found.b)]
    if not any(sides):
        return
    suites = suites_of([*sides[0], *sides[1]])
    panels = [SuitePanel(suite, _dots(sides, suite)) for suite in suites]
    panels = [panel for panel in panels if panel.dots]
    blocks: list[Block] = []
    if panels:
        blocks.append(
            Picture(
                score_picture(panels, SHOWN, "scores"),
                f"{SHOWN} of the models of both runs with 95% intervals over problems.",
            )
        )
    if found.scores:
        blocks.append(
            Table(
                f"Models of both runs on the same problems: {SHOWN} of B less that of A in points, "
                "and how often chance alone would give as much (paired, two-sided).",
                ("suite", "model", "problems", "B less A", "95% interval", "p", "better", "worse"),
                [
                    (
                        one.suite,
                        f"{one.model} ({one.role})",
                        whole(one.n),
                        points(one.difference),
                        span(one.low, one.high),
                        p_value(one.p_value),
                        whole(one.better),
                        whole(one.worse),
                    )
                    for one in found.scores
                ],
                left=2,
            )
        )
    head = ("suite", "model", "metric", "A", "95% interval", "B", "95% interval", "B less A")
    blocks.append(Table("Scores of both runs.", head, _score_rows(sides, suites), left=3))
    yield Section("scores", "Scores", blocks)


def _dots(sides: Sequence[Sequence[Score]], suite: str) -> list[Dot]:
    shown = [
        (ROLES.index(one.role), one.model, side, one)
        for side, scores in zip("AB", sides, strict=True)
        for one in scores
        if (one.suite, one.metric) == (suite, SHOWN)
    ]
    return [
        Dot(f"{side} {one.model}", one.role, one.value, one.low, one.high)
        for _, _, side, one in sorted(shown, key=lambda found: found[:3])
    ]


def _score_rows(sides: Sequence[Sequence[Score]], suites: Sequence[str]) -> list[tuple[str, ...]]:
    known = [{(one.suite, one.role, one.model, one.metric): one for one in side} for side in sides]
    keys = sorted(
        {*known[0], *known[1]},
        key=lambda key: (suites.index(key[0]), ROLES.index(key[1]), key[2], key[3]),
    )
    rows: list[tuple[str, ...]] = []
    for key in keys:
        a, b = (side.get(key) for side in known)
        less = NONE if a is None or b is None else points(b.value - a.value)
        rows.append((key[0], f"{key[2]} ({key[1]})", key[3], *_cells(a), *_cells(b), less))
    return rows


def _cells(score: Score | None) -> tuple[str, str]:
    return (NONE, NONE) if score is None else (share(score.value), interval(score.low, score.high))
