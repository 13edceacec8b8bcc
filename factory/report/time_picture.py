"""How long each stage took, as bars, and how much of the processors it used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory.report.drawing import INK, canvas, inline, plain
from factory.shown.status import clock


@dataclass(frozen=True)
class Took:
    """One artifact; `used_s`: seconds of the clock that all cores together would have been busy
    for; None where it was not measured."""

    name: str
    wall_s: float
    used_s: float | None


def time_picture(rows: Sequence[Took], name: str) -> str:
    """A bar per artifact, in the order of the run; the dark part is the share of the cores."""
    longest = max([1e-9, *(one.wall_s for one in rows)])
    measured = any(one.used_s is not None for one in rows)
    said = "; ".join(
        f"{one.name}: {one.wall_s:,.1f} s"
        + ("" if one.used_s is None else f", cores busy {_percent(one)}")
        for one in rows
    )
    with canvas(0.35 + 0.235 * len(rows)) as figure:
        axes = figure.add_subplot()
        for at, one in enumerate(rows):
            axes.barh(
                at, one.wall_s, height=0.7, facecolor=INK["a"], alpha=0.35 if measured else 0.8
            )
            if one.used_s is not None:
                axes.barh(at, min(one.used_s, one.wall_s), height=0.7, facecolor=INK["a"])
            text = clock(one.wall_s) if one.wall_s >= 60 else f"{one.wall_s:.1f} s"
            if one.used_s is not None:
                text += f"   cores {_percent(one)}"
            axes.text(one.wall_s + longest * 0.008, at, text, va="center", color=INK["muted"])
        axes.set_yticks(range(len(rows)), [plain(one.name, 44) for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, longest * 1.17)
        axes.set_xticks([])
        axes.tick_params(length=0)
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)
        return inline(figure, name, "Time of each stage", f"Bars. {said}.")


def _percent(one: Took) -> str:
    return f"{100 * (one.used_s or 0.0) / max(one.wall_s, 1e-9):.0f}%"
