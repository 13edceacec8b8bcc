"""Where long work stands, told to whoever drives it.

Listeners are of this process; a process that is forked from it starts with none, and what spawned
workers report is not heard here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class State:
    """Where one piece of work stands; a state without a unit is a line of news."""

    label: str
    done: int = 0
    total: int | None = None
    """None: not known."""
    unit: str = ""
    per_s: float | None = None
    """Units per second since the work began here; None: none yet."""
    line: str = ""
    """What else there is to say."""

    @property
    def percent(self) -> int | None:
        """How much is done, from 0 to 100; None where that is not known."""
        if not self.total:
            return None
        return min(100, int(100 * self.done / self.total))

    @property
    def left_s(self) -> float | None:
        """Seconds until all is done, at the rate so far; None where that is not known."""
        if self.total is None or not self.per_s:
            return None
        return max(0, self.total - self.done) / self.per_s

    def text(self) -> str:
        """One line for people."""
        if not self.unit:
            return self.label
        of = "" if self.total is None else f" of {self.total:,}"
        parts = [f"{self.done:,}{of} {self.unit}"]
        if self.per_s is not None:
            parts.append(f"{_rate(self.per_s)}/s")
        if self.left_s:
            parts.append(f"{clock(self.left_s)} left")
        if self.line:
            parts.append(self.line)
        label = "" if self.label == self.unit else f"{self.label}: "
        return label + ", ".join(parts)


def clock(seconds: float) -> str:
    """`h:mm:ss`."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


_listeners: Final[list[Callable[[State], None]]] = []
os.register_at_fork(after_in_child=_listeners.clear)


@contextmanager
def listen(hear: Callable[[State], None]) -> Generator[None]:
    """Have `hear` called with each state that is reported inside, by the thread that reports it.

    It must be quick: a bar calls it about every two seconds, in the middle of the work.
    """
    _listeners.append(hear)
    try:
        yield
    finally:
        _listeners.remove(hear)


def report(state: State) -> None:
    """Tell every listener."""
    for hear in tuple(_listeners):
        hear(state)
