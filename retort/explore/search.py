"""Words in the texts of a source, as far as their index is built."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.row import Row


class SearchState(Row):
    """`search` of `/api/about`."""

    state: Literal["ready", "building", "failed"]
    done: int = 0
    total: int = 0
    left_s: float | None = None
    message: str = ""


class NotReady(Exception):  # noqa: N818 - what it says
    """The index of texts is not there yet, or not at all."""


class Search:
    """Search in one source."""

    def __init__(self, state: SearchState) -> None:
        self._state = state

    @classmethod
    def off(cls) -> Search:
        """No search at all."""
        return cls(SearchState(state="failed", message="started without search"))

    def state(self) -> SearchState:
        """How far the index is."""
        return self._state

    def rows(self, query: str) -> NDArray[np.int64]:
        """The rows whose texts match, ascending.

        Raises:
            NotReady: There is no index yet.
        """
        raise NotReady(self._state.message)
