"""A limit of CPU time for the tiers that run in the calling thread.

Each of their steps ticks. Once the time of a pair is spent the next tick stops it, and a worker,
which a deadline kills, takes over. Single steps are short because sizes are limited everywhere.
Outside `limited` nothing is limited: a worker ticks too, and is killed from outside.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

CHEAP_S: Final = 0.15
"""CPU time of one pair in the calling thread."""
_EVERY: Final = 256


class Spent(Exception):  # noqa: N818 - a finding, not a failure
    """The time is over."""


class _State(threading.local):
    steps = 0
    stop_at: float | None = None


_state: Final = _State()


@contextmanager
def limited(seconds: float = CHEAP_S) -> Generator[None]:
    """Stop what ticks in this thread after so many seconds of its CPU time, by `Spent`."""
    _state.stop_at = time.thread_time() + seconds
    try:
        yield
    finally:
        _state.stop_at = None


def tick(steps: int = 1) -> None:
    """One step, or as many as this one costs.

    Raises:
        Spent: The time is over.
    """
    state = _state
    state.steps += steps
    if state.steps >= _EVERY:
        state.steps = 0
        if state.stop_at is not None and time.thread_time() > state.stop_at:
            raise Spent
