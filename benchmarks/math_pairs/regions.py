"""Intervals and their unions, rewritten as inequalities and changed end by end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import sympy

from .pair import Change
from .reading import read

_BOUNDS: Final = re.compile(
    r"(?:\\left\s*)?([(\[])(.+?),\s*(.+?)\s*(?:\\right\s*)?([)\]])", re.DOTALL
)
_INFINITE: Final = {"-\\infty": -sympy.oo, "\\infty": sympy.oo}


@dataclass(frozen=True)
class _Interval:
    opening: str
    low: str
    high: str
    closing: str

    def text(self) -> str:
        return f"{self.opening}{self.low}, {self.high}{self.closing}"

    def inequality(self) -> str:
        below = " < " if self.opening == "(" else " \\le "
        above = " < " if self.closing == ")" else " \\le "
        if self.low == "-\\infty":
            return f"x{above}{self.high}"
        if self.high == "\\infty":
            return f"x{below.replace('<', '>').replace('le', 'ge')}{self.low}"
        return f"{self.low}{below}x{above}{self.high}"


def region_changes(gold: str) -> list[Change] | None:
    """Rewritings of a union or of what cannot be a tuple; None where the gold is neither."""
    gold = gold.removeprefix("x \\in ").strip()
    parts = [_interval(part.strip()) for part in gold.split("\\cup")]
    intervals = [part for part in parts if part is not None]
    if len(intervals) < len(parts):
        return None
    only = intervals[0]
    if (
        len(intervals) == 1
        and (only.opening, only.closing) == ("(", ")")
        and not ({only.low, only.high} & set(_INFINITE))
    ):
        return None
    return list(_regions(intervals))


def _interval(text: str) -> _Interval | None:
    found = _BOUNDS.fullmatch(text)
    if found is None or re.search(r"[()\[\]]|,", found[2] + found[3]):
        return None
    interval = _Interval(*(group.strip() for group in found.groups()))
    low, high = (_INFINITE.get(end, read(end)) for end in (interval.low, interval.high))
    if low is None or high is None or low.free_symbols or high.free_symbols:
        return None
    return interval if sympy.N(high - low) > 0 else None


def _regions(intervals: list[_Interval]) -> Iterator[Change]:
    """The parts are apart or touch in a point that none holds, so every change counts."""
    yield Change(_union(intervals[::-1]), True)
    yield Change(f"x \\in {_union(intervals)}", True)
    yield Change(" \\text{ or } ".join(part.inequality() for part in intervals), True)
    yield Change(_union(intervals).replace(", ", ","), True)
    ends = _union(intervals).replace("\\infty", "+\\infty").replace("-+", "-")
    yield Change(ends, True)
    for at, part in enumerate(intervals):
        for other in _changed(part, sympy.Rational(1, 1 if len(intervals) == 1 else 100)):
            changed = [*intervals[:at], other, *intervals[at + 1 :]]
            yield Change(_union(changed), False)
            yield Change(" \\text{ or } ".join(one.inequality() for one in changed), False)
        if len(intervals) > 1:
            yield Change(_union([*intervals[:at], *intervals[at + 1 :]]), False)


def _changed(part: _Interval, step: sympy.Expr) -> Iterator[_Interval]:
    """An end more or less, or moved outwards by a step smaller than any part beside it."""
    if part.low not in _INFINITE:
        yield replace(part, opening="(" if part.opening == "[" else "[")
        yield replace(part, low=_moved(part.low, -step))
    if part.high not in _INFINITE:
        yield replace(part, closing=")" if part.closing == "]" else "]")
        yield replace(part, high=_moved(part.high, step))


def _moved(end: str, step: sympy.Expr) -> str:
    value = read(end)
    assert value is not None
    return sympy.latex(value + step)


def _union(intervals: list[_Interval]) -> str:
    return " \\cup ".join(part.text() for part in intervals)
