"""How long each model's answers are: the middle 80% as a line, a panel per suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from factory.report.drawing import INK, canvas, inline, plain


@dataclass(frozen=True)
class Answered:
    """The tokens of one model's answers to a suite."""

    suite: str
    model: str
    p10: float
    p50: float
    p90: float
    most: float
    cut: float
    """Share of the answers that were cut at the token limit."""


def answer_picture(rows: Sequence[Answered], name: str) -> str:
    """Lines from the 10% to the 90% quantile with the median on them, and a tick at the longest.

    Args:
        rows: Of one suite after the other.
    """
    suites = list(dict.fromkeys(one.suite for one in rows))
    panels = [[one for one in rows if one.suite == suite] for suite in suites]
    said = "; ".join(
        f"{one.suite}, {one.model}: median {one.p50:,.0f}, from {one.p10:,.0f} to {one.p90:,.0f}, "
        f"longest {one.most:,.0f}, cut {100 * one.cut:.1f}%"
        for one in rows
    )
    with canvas(0.55 + sum(0.36 + 0.225 * len(panel) for panel in panels)) as figure:
        ratios = [1 + len(panel) for panel in panels]
        found: Any = figure.subplots(len(panels), 1, squeeze=False, height_ratios=ratios)
        for axes, suite, panel in zip(found[:, 0], suites, panels, strict=True):
            _panel(axes, suite, panel)
        found[-1][0].set_xlabel(
            "tokens; line: 10% to 90%, dot: median, tick: longest; at the right: share cut"
        )
        return inline(figure, name, "Lengths of answers", said)


def _panel(axes: Any, suite: str, panel: Sequence[Answered]) -> None:
    widest = max(1.0, *(one.most for one in panel))
    for at, one in enumerate(panel):
        axes.plot([one.p10, one.p90], [at, at], color=INK["a"], lw=2.4)
        axes.plot([one.p50], [at], marker="o", markersize=5.5, color=INK["a"])
        axes.plot([one.most], [at], marker="|", markersize=8, color=INK["b"], linestyle="none")
        axes.text(widest * 1.03, at, f"cut {100 * one.cut:.1f}%", va="center", color=INK["muted"])
    axes.set_yticks(range(len(panel)), [plain(one.model, 40) for one in panel])
    axes.set_ylim(len(panel) - 0.4, -0.6)
    axes.set_xlim(0, widest * 1.16)
    axes.set_title(plain(suite))
    axes.grid(axis="x")
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
