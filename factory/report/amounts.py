"""Numbers as a report writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from factory.shown.status import clock

NONE = "–"
"""What is not known, or has nothing to be a share of."""


def whole(value: float) -> str:
    """`19,002`."""
    return f"{value:,.0f}"


def percent(part: float, of: float) -> str:
    """`43.1%`; a dash where there is nothing to be a share of."""
    if not of:
        return NONE
    return "< 0.1%" if 0 < part / of < 0.0005 else f"{100 * part / of:.1f}%"


def share(value: float | None) -> str:
    """A share in [0, 1] as `43.1%`."""
    return NONE if value is None else f"{100 * value:.1f}%"


def points(value: float) -> str:
    """A difference of two shares in percentage points, with its sign: `+2.1`."""
    return f"{100 * value:+.1f}".replace("-", "−")


def span(low: float, high: float) -> str:
    """An interval of differences: `−0.4 to +4.6`."""
    return f"{points(low)} to {points(high)}"


def interval(low: float, high: float) -> str:
    """An interval of shares: `29.0–37.4%`."""
    return f"{100 * low:.1f}–{100 * high:.1f}%"


def duration(seconds: float) -> str:
    """`4.7 s` below a minute, else `0:02:15`."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def size(value: float) -> str:
    """Bytes: `1.39 GB`."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= of:
            return f"{value / of:,.2f} {unit}"
    return f"{value:.0f} B"


def moment(unix_s: float) -> str:
    """`2026-11-29 03:05 UTC`."""
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"


def p_value(value: float) -> str:
    """`0.031`, `< 0.001`."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
