"""Shares as dots on one axis, and problems by their pass rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory.report.drawing import INK, canvas, inline, legend_above, look, plain


@dataclass(frozen=True)
class Share:
    """Shares of one row: each series' value in [0, 1], or None where there is nothing to share."""

    name: str
    values: Sequence[float | None]


def share_picture(rows: Sequence[Share], series: Sequence[str], name: str, title: str) -> str:
    """A row of dots per name: one marker per series, with its number."""
    said = "; ".join(
        f"{one.name}: "
        + ", ".join(
            f"{what} {100 * value:.1f}%"
            for what, value in zip(series, one.values, strict=True)
            if value is not None
        )
        for one in rows
    )
    with canvas(0.75 + 0.27 * len(rows)) as figure:
        axes = figure.add_subplot()
        for number, what in enumerate(series):
            style = look(number)
            points = [(one.values[number], at) for at, one in enumerate(rows)]
            known = [(value, at) for value, at in points if value is not None]
            axes.plot(
                [100 * value for value, _ in known],
                [at for _, at in known],
                linestyle="none",
                marker=style.marker,
                markersize=6,
                color=style.colour,
                markerfacecolor=style.colour if number == 0 else "none",
                markeredgewidth=1.3,
                label=what,
            )
        for at, one in enumerate(rows):
            known_values = [value for value in one.values if value is not None]
            if known_values:
                low, high = min(known_values), max(known_values)
                axes.plot([100 * low, 100 * high], [at, at], color=INK["line"], lw=1.2, zorder=0)
        axes.set_yticks(range(len(rows)), [plain(one.name, 34) for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(-2, 102)
        axes.set_xlabel("%")
        axes.grid(axis="x")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        legend_above(axes)
        return inline(figure, name, title, said)


def tenths_picture(tenths: Sequence[int], name: str) -> str:
    """Problems by tenths of their pass rate; those that were always right stand apart."""
    names = [*(f"0.{tenth}" for tenth in range(10)), "1"]
    title = "Problems by pass rate"
    said = "; ".join(f"from {name}: {rows:,}" for name, rows in zip(names, tenths, strict=True))
    with canvas(1.9) as figure:
        axes = figure.add_subplot()
        axes.bar(range(11), tenths, width=0.86, color=INK["a"])
        for at, rows in enumerate(tenths):
            axes.text(at, rows, f"{rows:,}", ha="center", va="bottom", color=INK["muted"])
        axes.set_xticks(range(11), names)
        axes.set_xlabel("pass rate, in tenths; 1: every candidate was correct")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0)
        axes.margins(y=0.12)
        return inline(figure, name, title, f"Histogram. {said}.")
