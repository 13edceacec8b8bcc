"""Words in the texts of a source, as far as their index is built.

The index is SQLite's FTS5 (docs/decisions/0017): built by a process of its own while the page is
already served, then read through one connection per thread.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from threading import local
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retort.explore.asked import Refused
from retort.explore.light_table import LightTable
from retort.explore.search_files import STATE_FILE, TEXTS_FILE, SearchState, read_state
from retort.explore.search_query import fts_query

MOST_S: Final = 20.0
"""Of one search; then it is given up."""
_STEPS: Final = 20_000
"""Of SQLite's machine between two looks at the clock."""


class NotReady(Exception):  # noqa: N818 - what it says
    """The index of texts is not there yet, or not at all."""


class Search:
    """Search in one source."""

    def __init__(self, folder: Path | None, table: LightTable | None) -> None:
        """None: no search at all."""
        self._folder, self._table = folder, table
        self._builder: subprocess.Popen[bytes] | None = None
        self._mine = local()

    @classmethod
    def off(cls) -> Search:
        """No search at all."""
        return cls(None, None)

    @classmethod
    def started(cls, folder: Path, table: LightTable, *, rebuild: bool = False) -> Search:
        """A search whose index is built in the background, where it is not there yet."""
        search = cls(folder, table)
        known = read_state(folder)
        if rebuild or (known is not None and known.state == "failed"):
            (folder / STATE_FILE).unlink(missing_ok=True)
            known = None
        if known is None or known.state != "ready":
            module = "retort.explore.search_build"
            search._builder = subprocess.Popen(
                [sys.executable, "-m", module, str(folder), str(os.getpid())],
                stdin=subprocess.DEVNULL,
            )
        return search

    def close(self) -> None:
        """End the build, if there is one; what it has finished is kept."""
        if self._builder is not None and self._builder.poll() is None:
            self._builder.terminate()
            self._builder.wait()

    def state(self) -> SearchState:
        """How far the index is."""
        if self._folder is None or self._table is None:
            return SearchState(state="failed", message="started without search")
        found = read_state(self._folder)
        total = len(self._table.column("by_place"))
        if found is None:
            found = SearchState(state="building", total=total)
        if found.state == "building" and self._builder is not None:
            status = self._builder.poll()
            if status is not None and status != 0:
                return SearchState(
                    state="failed",
                    done=found.done,
                    total=total,
                    message=f"the process that builds the index ended (status {status}); start "
                    f"the explorer again, it goes on where it was",
                )
        return found

    def rows(self, query: str) -> NDArray[np.int64]:
        """The rows whose texts match, each once, in any order.

        Raises:
            NotReady: There is no index yet.
            Refused: The query asks for nothing, or takes too long.
        """
        match = fts_query(query)
        state = self.state()
        if state.state != "ready" or self._folder is None or self._table is None:
            raise NotReady(_told(state))
        base = self._connection(self._folder)
        begun = time.monotonic()
        base.set_progress_handler(lambda: int(time.monotonic() > begun + MOST_S), _STEPS)
        try:
            cursor = base.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (match,))
            found = np.fromiter((one for (one,) in cursor), np.int64)
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            raise Refused(
                f"parameter q: expected a search of at most {MOST_S:g} s; ask for rarer words"
            ) from error
        return self._table.column("by_place")[found].astype(np.int64)

    def _connection(self, folder: Path) -> sqlite3.Connection:
        if not hasattr(self._mine, "base"):
            address = f"{(folder / TEXTS_FILE).resolve().as_uri()}?mode=ro&immutable=1"
            self._mine.base = sqlite3.connect(address, uri=True)
        return self._mine.base


def _told(state: SearchState) -> str:
    if state.state == "failed":
        return f"there is no index of the texts: {state.message}"
    share = f" {state.done:,} of {state.total:,} rows" if state.total else ""
    return f"the index of the texts is being built:{share}"
