"""Scores with their intervals: a panel per suite, a row per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from factory.report.drawing import INK, canvas, inline, plain

MARKERS: Final = {"base": "o", "teacher": "^", "student": "D", "control": "s", "published": "X"}
"""Role -> marker."""
_COLOURS: Final = {
    "base": INK["muted"],
    "teacher": INK["c"],
    "student": INK["a"],
    "control": INK["b"],
    "published": INK["d"],
}


@dataclass(frozen=True)
class Dot:
    """One model's score on a suite, in [0, 1]; published ones have no interval."""

    model: str
    role: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SuitePanel:
    """The scores on one suite."""

    suite: str
    dots: Sequence[Dot]


def score_picture(panels: Sequence[SuitePanel], metric: str, name: str) -> str:
    """Dots with 95% intervals on an axis from 0 to 100% that all suites share."""
    said = "; ".join(
        f"{panel.suite}, {dot.role} {dot.model}: {100 * dot.value:.1f}%"
        + ("" if dot.low is None else f" ({100 * dot.low:.1f} to {100 * (dot.high or 0):.1f})")
        for panel in panels
        for dot in panel.dots
    )
    rows = [len(panel.dots) for panel in panels]
    with canvas(0.4 + sum(0.36 + 0.225 * count for count in rows)) as figure:
        found: Any = figure.subplots(
            len(panels), 1, sharex=True, squeeze=False, height_ratios=[1 + count for count in rows]
        )
        for axes, panel in zip(found[:, 0], panels, strict=True):
            _panel(axes, panel)
        found[-1][0].set_xlabel(f"{metric}, %; lines: 95% intervals over problems")
        return inline(figure, name, f"Scores ({metric})", said)


def _panel(axes: Any, panel: SuitePanel) -> None:
    for at, dot in enumerate(panel.dots):
        colour = _COLOURS.get(dot.role, INK["text"])
        if dot.low is not None and dot.high is not None:
            axes.plot([100 * dot.low, 100 * dot.high], [at, at], color=colour, lw=1.6)
        axes.plot(
            [100 * dot.value], [at], marker=MARKERS.get(dot.role, "o"), markersize=6.5,
            color=colour, markeredgecolor=INK["paper"], markeredgewidth=0.6, linestyle="none",
        )  # fmt: skip
        high = dot.value if dot.high is None else dot.high
        axes.text(
            100 * high + (2.0 if dot.high is None else 1.2),
            at,
            f"{100 * dot.value:.1f}",
            va="center",
            color=INK["muted"],
        )
    names = [f"{plain(dot.model, 34)}  ({dot.role})" for dot in panel.dots]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 105)
    axes.set_title(plain("all suites" if panel.suite == "all" else panel.suite))
    axes.grid(axis="x")
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
