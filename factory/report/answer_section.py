"""How models answer: cut, empty and unthought answers, lengths, levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from factory.report.amounts import (
    NONE,
    percent,
    share,
    whole,
)
from factory.report.answer_picture import Answered, answer_picture
from factory.report.blocks import Block, Picture, Section, Table, without_empty
from factory.report.facts import SHOWN, Facts, model_name


def answer_section(facts: Facts) -> Iterator[Section]:
    """Cut, empty and unthought answers of each model, per suite; none where nothing was."""
    rows: list[tuple[str, ...]] = []
    by_level: list[tuple[str, ...]] = []
    answered: list[Answered] = []
    for one in facts.of_stage("validate"):
        assert one.manifest is not None
        model = model_name(one.of)
        for suite, figures in sorted(one.manifest.figures.get("suites", {}).items()):
            rows.append(_answer_row(suite, model, figures))
            by_level += _level_rows(suite, model, figures)
            answered += _answered(suite, model, figures)
    if not rows:
        return
    head = ("suite", "model", "candidates", "correct", "cut", "empty", "without think",
            "unclosed think", "failed", "tokens: mean", "median", "90%", "mean if correct",
            "if not")  # fmt: skip
    blocks: list[Block] = []
    if answered:
        drawn = sorted(answered, key=lambda one: one.suite)  # stable: models in the run's order
        caption = "Tokens of the answers of each model, and how many were cut at the limit."
        blocks.append(Picture(answer_picture(drawn, "answers"), caption))
    blocks.append(
        without_empty(
            Table(
                "How models answer. Cut, empty and failed answers count as wrong.",
                head,
                sorted(rows),
                left=2,
            )
        )
    )
    if by_level:
        blocks.append(
            Table(
                f"{SHOWN} by level and category.",
                ("suite", "model", "of", "problems", SHOWN, "standard error"),
                sorted(by_level),
                left=3,
                folded=True,
            )
        )
    yield Section("answers", "How models answer", blocks)


def _answered(suite: str, model: str, figures: Mapping[str, Any]) -> Iterator[Answered]:
    tokens: Mapping[str, float] | None = figures.get("tokens")
    if tokens is not None and figures.get("candidates"):
        cut = figures.get("truncated", 0) / figures["candidates"]
        spread = (tokens["p10"], tokens["p50"], tokens["p90"], tokens["max"])
        yield Answered(suite, model, *spread, cut)


def _answer_row(suite: str, model: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    statuses: Mapping[str, int] = figures.get("statuses", {})
    candidates = figures.get("candidates", sum(statuses.values()))
    cut = figures.get("truncated", statuses.get("truncated", 0))
    counts = {
        "cut": cut,
        "empty": figures.get("empty_completions"),
        "think": figures.get("without_think"),
        "unclosed": figures.get("unclosed_think"),
        "failed": figures.get("failed"),
    }
    tokens: Mapping[str, float] = figures.get("tokens") or {}
    means = [
        (figures.get(name) or {}).get("mean") for name in ("tokens_correct", "tokens_not_correct")
    ]
    return (
        suite,
        model,
        whole(candidates),
        percent(statuses.get("correct", 0), candidates),
        *(NONE if value is None else whole(value) for value in counts.values()),
        *(
            NONE if tokens.get(name) is None else f"{tokens[name]:,.0f}"
            for name in ("mean", "p50", "p90")
        ),
        *(NONE if value is None else f"{value:,.0f}" for value in means),
    )


def _level_rows(suite: str, model: str, figures: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for what in ("by_level", "by_category"):
        for name, one in (figures.get(what) or {}).items():
            yield (
                suite,
                model,
                f"{what.removeprefix('by_')} {name or '(none given)'}",
                whole(one["problems"]),
                share(one["value"]),
                f"{100 * one['stderr']:.1f}",
            )
