"""The card's pictures: histograms as SVG, written by hand.

No colour carries a meaning: every bar stands over its axis, every panel has its name. Text and bars
are of middle brightness on no background, so that they can be read on white and on black. Numbers
are whole or have one digit after the point; equal counts give equal bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

import polars as pl

from factory.shard.card_rows import by_tenth, tenth_name

_WIDTH: Final = 640
_LEFT: Final = 84
_RIGHT: Final = 16
_TOP: Final = 34
_PANEL: Final = 84
_BETWEEN: Final = 26
_TEXT: Final = "#767c85"
_BAR: Final = "#3b82c4"
_LINE: Final = "#9aa0a8"
_PER_DECADE: Final = 8
_EDGES: Final = [round(10 ** (step / _PER_DECADE)) for step in range(7 * _PER_DECADE + 1)]
"""Lower bounds of the bins of lengths, from 1 to ten millions; small ones come twice."""


@dataclass(frozen=True)
class Panel:
    """One histogram: equally wide bins from the left."""

    name: str
    counts: Sequence[int]


@dataclass(frozen=True)
class Tick:
    """A label under the axis, `at` a number of bins from the left."""

    at: float
    text: str


def pass_rate_picture(rows: pl.DataFrame) -> bytes:
    """Rows by tenths of their problem's pass rate; those that were always right stand apart."""
    counts = by_tenth(rows)
    ticks = [Tick(tenth + 0.5, f"0.{tenth}") for tenth in range(10)]
    said = "; ".join(f"{tenth_name(tenth)}: {count:,}" for tenth, count in counts.items())
    return _picture(
        "Rows by the pass rate of their problem",
        f"Histogram of {rows.height:,} rows. {said or 'None'}.",
        [Panel("rows", [counts.get(tenth, 0) for tenth in range(11)])],
        [*ticks, Tick(10.5, "1")],
        "pass rate, in tenths",
    )


def length_picture(rows: pl.DataFrame) -> bytes:
    """Rows by the length of their completion, a panel for each domain, on a logarithmic axis."""
    unit = length_unit(rows)
    column = {"tokens": "num_tokens", "characters": "chars"}[unit]
    known = rows.filter(pl.col(column) > 0).select("domain", length=column)
    bins = {
        domain: _binned(some["length"])
        for (domain,), some in sorted(known.partition_by("domain", as_dict=True).items())
    }
    used = sorted({bin for counts in bins.values() for bin in counts})
    first = used[0] // _PER_DECADE * _PER_DECADE if used else 0
    last = -(-(used[-1] + 1) // _PER_DECADE) * _PER_DECADE if used else _PER_DECADE
    panels = [
        Panel(domain, [counts.get(bin, 0) for bin in range(first, last)])
        for domain, counts in bins.items()
    ]
    decades = range(first // _PER_DECADE, last // _PER_DECADE + 1)
    middles = known.group_by("domain").agg(pl.len(), pl.col("length").median()).sort("domain")
    said = "; ".join(
        f"{domain}: {count:,} rows, median {median:,.0f}"
        for domain, count, median in middles.iter_rows()
    )
    return _picture(
        f"Rows by the length of their completion in {unit}",
        f"Histogram on a logarithmic axis. {said or 'No lengths are known'}.",
        panels,
        [Tick((one * _PER_DECADE) - first, f"{10**one:,}") for one in decades],
        f"{unit}, logarithmic",
    )


def length_unit(rows: pl.DataFrame) -> str:
    """`tokens` where every row has a count, else `characters`."""
    return "characters" if rows["num_tokens"].null_count() or rows.is_empty() else "tokens"


def _binned(values: pl.Series) -> dict[int, int]:
    lengths = values.value_counts().sort(values.name)
    counts: dict[int, int] = {}
    for value, count in lengths.iter_rows():
        bin = bisect_right(_EDGES, value) - 1
        counts[bin] = counts.get(bin, 0) + count
    return counts


# ------------------------------------------------------------------------------------------ drawing


def _picture(
    title: str, about: str, panels: Sequence[Panel], ticks: Sequence[Tick], axis: str
) -> bytes:
    height = _TOP + max(1, len(panels)) * (_PANEL + _BETWEEN) + 22
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="title desc" '
        f'font-family="sans-serif" font-size="12" fill="{_TEXT}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(about)}</desc>',
        _text(_LEFT, 16, title, bold=True),
    ]
    for number, panel in enumerate(panels):
        lines += _panel(panel, ticks, _TOP + number * (_PANEL + _BETWEEN))
    lines += [_text((_LEFT + _WIDTH - _RIGHT) / 2, height - 8, axis, "middle"), "</svg>", ""]
    return "\n".join(lines).encode()


def _panel(panel: Panel, ticks: Sequence[Tick], top: int) -> list[str]:
    base = top + _PANEL
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(panel.counts))
    most = max(panel.counts, default=0)
    lines = [
        _text(_LEFT - 8, top + 12, panel.name, "end", bold=True),
        _text(_LEFT - 8, top + 28, f"{sum(panel.counts):,}", "end"),
    ]
    if most:
        lines.append(_text(_LEFT - 8, top + 44, f"most {most:,}", "end", small=True))
    for place, count in enumerate(panel.counts):
        if count:
            tall = max(1.0, _PANEL * count / most)  # one row is seen beside thousands
            lines.append(
                f'<rect x="{_LEFT + place * step + 1:.1f}" y="{base - tall:.1f}" '
                f'width="{step - 2:.1f}" height="{tall:.1f}" fill="{_BAR}"/>'
            )
    lines.append(f'<path d="M{_LEFT} {base}H{_WIDTH - _RIGHT}" stroke="{_LINE}" stroke-width="1"/>')
    for tick in ticks:
        x = _LEFT + tick.at * step
        anchor = "end" if x > _WIDTH - _RIGHT - 1 else "middle"
        lines.append(_text(x, base + 15, tick.text, anchor, small=True))
    return lines


def _text(
    x: float, y: float, text: str, anchor: str = "start", *, bold: bool = False, small: bool = False
) -> str:
    look = {"font-weight": "bold"} if bold else {}
    look |= {"font-size": "11"} if small else {}
    said = "".join(f' {name}="{value}"' for name, value in look.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{said}>{escape(text)}</text>'


def pictures(rows: pl.DataFrame) -> Mapping[str, bytes]:
    """Path -> content of every picture."""
    return {
        "pictures/lengths.svg": length_picture(rows),
        "pictures/pass_rates.svg": pass_rate_picture(rows),
    }
