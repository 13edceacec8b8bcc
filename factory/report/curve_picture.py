"""The courses of all trainings in one picture: loss, loss on held-out rows, learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from factory.report.curves import Curve
from factory.report.drawing import INK, canvas, inline, legend_above, look, plain


def curve_picture(curves: Sequence[Curve], name: str) -> str:
    """Loss over steps (thin), evaluations (markers), and the learning rate below."""
    said = "; ".join(
        f"{one.name}: {one.steps:,} steps"
        + (f", loss from {one.loss[0][1]:.4f} to {one.loss[-1][1]:.4f}" if one.loss else "")
        + (
            f", held-out loss from {one.eval_loss[0][1]:.4f} to {one.eval_loss[-1][1]:.4f}"
            if one.eval_loss
            else ""
        )
        for one in curves
    )
    with canvas(4.3) as figure:
        loss, rate = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        for number, curve in enumerate(curves):
            style = look(number)
            loss.plot(
                *_xy(curve.loss), color=style.colour, linestyle=style.line, lw=0.8, alpha=0.55
            )
            loss.plot(
                *_xy(curve.eval_loss),
                color=style.colour,
                linestyle=style.line,
                marker=style.marker,
                markersize=5,
                lw=1.4,
                label=plain(curve.name, 30),
            )
            rate.plot(*_xy(curve.lr), color=style.colour, linestyle=style.line, lw=1.2)
        loss.set_title("loss, nats per target token", pad=26)
        rate.set_title("learning rate")
        rate.set_xlabel("optimizer step")
        for axes in (loss, rate):
            axes.grid(axis="y")
            axes.tick_params(length=0, labelcolor=INK["muted"])
        legend_above(loss, columns=4)
        return inline(figure, name, "Training curves", said)


def _xy(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
