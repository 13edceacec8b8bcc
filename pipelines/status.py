"""What a stage tells of its progress, in Luigi's own status: on its page and through its API.

With `luigid` every state is seen while the stage runs. The scheduler inside of `luigi --module`
has no page; it knows the states of stages that run in its own process, with one worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Final

import luigi
from luigi.rpc import RPCError

from factory.shown.progress import say
from factory.shown.status import State, listen

_LAST_S: Final = 2.0
"""A stage that has ended waits so long for its last state to be taken."""
_NOT_TAKEN: Final = (RPCError, OSError, HTTPException, ValueError)
"""What a scheduler that is away, or answers with something else than JSON, makes of a call."""


@contextmanager
def shown_by_luigi(task: luigi.Task) -> Generator[None]:
    """Pass on what the work inside reports; a task that no worker runs has nobody to tell."""
    message, percentage = task.set_status_message, task.set_progress_percentage
    if message is None or percentage is None:
        yield
        return
    post = _Post(message, percentage)
    try:
        with listen(post.put):
            yield
    finally:
        post.close()


class _Post:
    """Takes states at once and hands on the newest one from a thread of its own, because a
    scheduler that is away holds a call for a minute or more."""

    def __init__(self, message: Callable[[str], None], percentage: Callable[[int], None]) -> None:
        self._message = message
        self._percentage = percentage
        self._newest: State | None = None
        self._closed = False
        self._refused = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._hand_on, name="luigi status", daemon=True)
        self._thread.start()

    def put(self, state: State) -> None:
        """Keep a state until it is handed on; a newer one takes its place."""
        with self._changed:
            self._newest = state
            self._changed.notify()

    def close(self) -> None:
        """Hand on the last state, if that takes no longer than a moment."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(_LAST_S)

    def _hand_on(self) -> None:
        while (state := self._next()) is not None:
            try:
                self._message(state.text())
                if state.percent is not None:
                    self._percentage(state.percent)
            except _NOT_TAKEN as error:
                if not self._refused:
                    self._refused = True
                    say(
                        f"Luigi's scheduler does not take the status of this stage: {error}",
                        tell=False,
                    )

    def _next(self) -> State | None:
        """The next state to hand on, waited for; None when there will be none."""
        with self._changed:
            while self._newest is None and not self._closed:
                self._changed.wait()
            state, self._newest = self._newest, None
            return state
