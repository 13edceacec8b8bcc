"""Rates, quotas and cost as text. What is not known is left out; it is never shown as 0."""

from __future__ import annotations

from typing import Final

from factory.shown.status import clock
from schemas.spent import Spent

_BAR: Final = 20


def summary_line(tokens_per_s: float | None, accepted: int, graded: int, spent: Spent) -> str:
    """`15,210 tokens/s, accept 63%, 1.2K tokens and 0.90 GPU-s per accepted, cost 3.40`."""
    parts: list[str] = []
    if tokens_per_s is not None:
        parts.append(f"{tokens_per_s:,.0f} tokens/s")
    if graded:
        parts.append(f"accept {100 * accepted / graded:.0f}%")
    if accepted and spent.candidates:
        per = each(spent, graded / accepted)
        parts.append(" and ".join(per) + " per accepted")
    if spent.cost is not None:
        parts.append(f"cost {money(spent.cost)}")
    return ", ".join(parts)


def each(spent: Spent, candidates: float) -> list[str]:
    """What one row took that came of so many candidates: tokens, and seconds of GPUs where there
    are some, else of the clock."""
    share = candidates / spent.candidates
    found = [f"{short(spent.tokens * share)} tokens"] if spent.tokens else []
    if spent.gpu_s is not None:
        found.append(f"{short(spent.gpu_s * share)} GPU-s")
    elif spent.wall_s:
        found.append(f"{short(spent.wall_s * share)} s")
    return found


def bar_line(
    name: str,
    got: float,
    quota: int,
    *,
    exact: bool,
    waiting: int,
    accept_rate: float | None,
    left_s: float | None,
) -> str:
    """`math  [##########..........]  ~2,003 / 4,000  accept 63%  ~0:14:00 left`."""
    filled = min(_BAR, int(_BAR * got / quota))
    mark = "" if exact else "~"
    parts = [name, f"[{'#' * filled}{'.' * (_BAR - filled)}]", f"{mark}{got:,.0f} / {quota:,}"]
    if accept_rate is not None:
        parts.append(f"accept {100 * accept_rate:.0f}%")
    elif waiting > 0:
        parts.append(f"{waiting:,} to grade")
    if left_s:
        parts.append(f"~{clock(left_s)} left")
    return "  ".join(parts)


def short(value: float) -> str:
    """Three figures at most, with K, M or G: `0.0042`, `12`, `1.2K`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= size:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if scaled < 10 else f"{scaled:.0f}{letter}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def money(value: float) -> str:
    """An amount in whatever currency the prices are."""
    return f"{value:,.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"
