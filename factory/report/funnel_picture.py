"""The funnel as a picture: bars from stage to stage, and under each what it lost and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from factory.report.amounts import percent
from factory.report.drawing import INK, canvas, inline, plain

_MOST_REASONS: Final = 9


@dataclass(frozen=True)
class Step:
    """Rows that are there after a stage, and what the stage dropped to come to them."""

    name: str
    rows: int
    drops: Sequence[tuple[str, int]] = ()
    """(reason, rows), the most first."""


def shown_drops(drops: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The drops as they are drawn: of many reasons the smallest together."""
    if len(drops) <= _MOST_REASONS:
        return list(drops)
    rest = drops[_MOST_REASONS - 1 :]
    return [*drops[: _MOST_REASONS - 1], (f"{len(rest)} other reasons", sum(n for _, n in rest))]


def funnel_picture(steps: Sequence[Step], unit: str, name: str) -> str:
    """The picture of one funnel, as SVG.

    Args:
        steps: From the first, which has no drops.
    """
    lines: list[tuple[str, int, int, bool]] = []
    """(label, left edge, rows, whether it is a drop)."""
    for step in steps:
        left = step.rows + sum(n for _, n in step.drops)
        for reason, rows in shown_drops(step.drops):
            left -= rows
            lines.append((plain(reason.replace("_", " "), 30), left, rows, True))
        lines.append((plain(step.name, 30), 0, step.rows, False))
    whole = max([1, *(rows for _, _, rows, _ in lines)])
    said = "; ".join(
        f"{'dropped as ' if drop else ''}{label}: {rows:,}" for label, _, rows, drop in lines
    )
    with canvas(0.5 + 0.225 * len(lines)) as figure:
        axes = figure.add_subplot()
        for at, (_, left, rows, drop) in enumerate(lines):
            axes.barh(
                at,
                rows,
                left=left,
                height=0.62 if drop else 0.84,
                facecolor="none" if drop else INK["a"],
                edgecolor=INK["b"] if drop else INK["a"],
                hatch="////" if drop else None,
                linewidth=0.8,
            )
            text = f"−{rows:,}" if drop else f"{rows:,}"
            if rows != whole:
                text += f" · {percent(rows, whole)}"
            axes.text(
                left + rows + whole * 0.008,
                at,
                text,
                va="center",
                fontweight="normal" if drop else "bold",
                color=INK["muted"] if drop else INK["text"],
            )
            if drop:  # where the bar comes from, so that the eye follows it down
                axes.plot([left, left], [at, at + 1], color=INK["line"], linewidth=0.6, zorder=0)
        axes.set_yticks(
            range(len(lines)), [("− " if drop else "") + label for label, _, _, drop in lines]
        )
        for tick, (_, _, _, drop) in zip(axes.get_yticklabels(), lines, strict=True):
            tick.set_fontweight("normal" if drop else "bold")
            tick.set_color(INK["muted"] if drop else INK["text"])
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlim(0, whole * 1.16)
        axes.tick_params(length=0)
        axes.set_xticks([])
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)
        title = f"From {unit} to {plain(steps[-1].name)}"
        return inline(figure, name, title, f"Bars from stage to stage. {said}.")
