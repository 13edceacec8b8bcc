"""What students learned: training curves, scores with intervals, comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from factory.report.amounts import NONE, share, whole
from factory.report.answer_section import answer_section
from factory.report.blocks import Block, Picture, Section, Table
from factory.report.curve_picture import curve_picture
from factory.report.facts import Facts
from factory.report.score_section import score_section


def student_sections(facts: Facts) -> list[Section]:
    """The sections about students; none where nothing was trained or measured."""
    return [*_training(facts), *score_section(facts.run), *answer_section(facts)]


def _training(facts: Facts) -> Iterator[Section]:
    curves = [one for one in facts.curves if one.loss or one.eval_loss]
    trained = [one for one in facts.of_stage("train") if one.manifest is not None]
    if not trained:
        return
    blocks: list[Block] = []
    if curves:
        blocks.append(
            Picture(
                curve_picture(curves, "curves"),
                "Thin: loss of the steps, means of neighbours where there are many. With markers: "
                "loss on held-out rows. Held-out rows of a control are of its own data.",
            )
        )
    rows: list[tuple[str, ...]] = []
    for one in trained:
        assert one.manifest is not None
        figures = one.manifest.figures
        rows.append(
            (
                one.of,
                *(
                    _number(figures, name)
                    for name in ("parameters", "documents", "steps", "tokens")
                ),
                *(
                    f"{_loss(figures, f'first_{name}')} → {_loss(figures, f'final_{name}')}"
                    for name in ("loss", "eval_loss")
                ),
                _number(figures, "tokens_per_s"),
                share(figures.get("packing_efficiency")),
            )
        )
    head = ("student", "parameters", "rows", "steps", "tokens", "loss", "held-out loss", "tokens/s",
            "packing")  # fmt: skip
    blocks.append(Table("Trainings.", head, rows))
    yield Section("training", "Training", blocks)


def _number(figures: Mapping[str, Any], name: str) -> str:
    value = figures.get(name)
    return NONE if value is None else whole(value)


def _loss(figures: Mapping[str, Any], name: str) -> str:
    value = figures.get(name)
    return NONE if value is None else f"{value:.4f}"
