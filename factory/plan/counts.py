"""Arithmetic with counts of which some are unknown (None): what is unknown stays unknown."""

from __future__ import annotations

from collections.abc import Iterable


def total(counts: Iterable[int | None]) -> int | None:
    """Their sum; unknown where one is."""
    whole = 0
    for count in counts:
        if count is None:
            return None
        whole += count
    return whole


def total_amount(amounts: Iterable[float | None]) -> float | None:
    """As `total`, for hours and money; unknown too where there are none."""
    known = list(amounts)
    if not known or None in known:
        return None
    return sum(amount for amount in known if amount is not None)


def times(count: int | None, factor: int) -> int | None:
    """So many times the count."""
    return None if count is None else count * factor


def least(one: int | None, other: int | None) -> int | None:
    """The smaller one: what is unknown limits nothing; unknown where both are."""
    known = [count for count in (one, other) if count is not None]
    return min(known) if known else None
