"""Histograms of lengths on a logarithmic axis, two groups over each other, a panel per domain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from factory.report.drawing import INK, canvas, inline, legend_above, plain
from factory.report.lengths import rows_in

_PER_DECADE: Final = 12


@dataclass(frozen=True)
class Panel:
    """Two groups of one domain; each a frame of `length`, sorted, and `rows`."""

    name: str
    first: pl.DataFrame
    second: pl.DataFrame


def length_picture(
    panels: Sequence[Panel], groups: tuple[str, str], unit: str, name: str, title: str
) -> str:
    """Share of each group's rows by length: the first filled, the second hatched."""
    known = [one["length"] for panel in panels for one in (panel.first, panel.second)]
    ends = [int(end) for one in known if len(one) for end in (one[0], one[-1])]
    edges = _edges(max(1, min(ends, default=1)), max(1, max(ends, default=1)))
    said = "; ".join(
        f"{panel.name}: {rows:,} {group}"
        for panel in panels
        for group, rows in zip(groups, (rows_in(panel.first), rows_in(panel.second)), strict=True)
    )
    with canvas(0.55 + 1.05 * len(panels)) as figure:
        found: Any = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
        for at, panel in enumerate(panels):
            axes = found[at][0]
            first, second = _shares(panel.first, edges), _shares(panel.second, edges)
            axes.stairs(first, edges, fill=True, color=INK["a"], alpha=0.55, label=groups[0])
            axes.stairs(
                second, edges, fill=True, facecolor="none", edgecolor=INK["b"],
                hatch="////", linewidth=1.2, label=groups[1],
            )  # fmt: skip
            axes.set_xscale("log")
            axes.set_ylabel(
                plain(panel.name, 18), rotation=0, ha="right", va="center", color=INK["text"]
            )
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.margins(x=0.01)
            if at == 0:
                legend_above(axes)
        last = found[-1][0]
        last.xaxis.set_major_formatter(lambda value, _at: f"{value:,.0f}")
        last.xaxis.set_minor_formatter(lambda _value, _at: "")
        last.set_xlabel(f"{unit} of a completion, logarithmic; height: share of the group's rows")
        return inline(figure, name, title, f"Histograms. {said}.")


def _edges(shortest: int, longest: int) -> list[float]:
    """Bounds of the bins, whole and a half, from below the shortest to above the longest."""
    first = math.floor(math.log10(shortest) * _PER_DECADE)
    last = math.ceil(math.log10(longest + 1) * _PER_DECADE)
    bounds = {math.floor(10 ** (step / _PER_DECADE)) for step in range(first, last + 1)}
    return [bound - 0.5 for bound in sorted({*bounds, longest + 1})]


def _shares(lengths: pl.DataFrame, edges: Sequence[float]) -> list[float]:
    """Share of the rows in each bin, per unit of the logarithmic axis."""
    counts, _ = np.histogram(lengths["length"].clip(lower_bound=1), edges, weights=lengths["rows"])
    whole = max(1, rows_in(lengths))
    widths = [math.log(edges[at + 1] / edges[at]) for at in range(len(edges) - 1)]
    return [float(count) / whole / width for count, width in zip(counts, widths, strict=True)]
