"""Bars for people: how full each quota is, and when it will be."""

from __future__ import annotations

from collections.abc import Mapping

from factory.shown.drawing import Count
from factory.shown.meter_text import bar_line


def quota_bars(
    quotas: Mapping[str, int], counts: Mapping[str, Count], tokens_per_s: float | None
) -> list[str]:
    """One line for each quota, in their order.

    Args:
        quotas: Name of a domain or category -> accepted candidates wanted.
        counts: What there is so far, by name.
        tokens_per_s: Of all servers together; None where it is not known.
    """
    width = max(map(len, quotas), default=0)
    bars: list[str] = []
    for name, quota in quotas.items():
        one = counts.get(name, Count())
        expected = one.expected()
        bars.append(
            bar_line(
                name.ljust(width),
                one.counted + expected,
                quota,
                exact=not expected,
                waiting=one.candidates - one.graded,
                accept_rate=ratio(one.accepted, one.graded),
                left_s=_left_s(one, quota, tokens_per_s),
            )
        )
    return bars


def ratio(part: float, whole: float) -> float | None:
    """Part / whole; None where there is no whole."""
    return part / whole if whole > 0 else None


def _left_s(one: Count, quota: int, tokens_per_s: float | None) -> float | None:
    """Seconds until a quota is filled, were the servers to work for it alone: the times of all
    domains add up to that of the run. None where a rate is not known."""
    short = quota - one.counted - one.expected()
    if short <= 0:
        return 0.0
    if not (one.counted and one.tokens and one.drawn and tokens_per_s):
        return None
    candidates = short * one.graded / one.counted
    return candidates * one.tokens / one.drawn / tokens_per_s
