"""Progress of long work: on standard error, and to whoever listens.

tqdm draws done, rate and time left; where the output is no terminal it writes a whole line now and
then instead of redrawing one. What a bar is `about` adds a line of its own and a block of further
lines: below the bar on a terminal, else in the log now and then. Libraries and tests that want
silence set `RETORT_PROGRESS=0`; listeners hear all the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from tqdm import tqdm

from factory.shown.progress_lines import LogLines, RowsBelow, silent, write_lines
from factory.shown.status import State, report

if TYPE_CHECKING:
    _Tqdm = tqdm[Any]
else:
    _Tqdm = tqdm

_SECONDS_BETWEEN_LINES: Final = 10.0
_SECONDS_BETWEEN_BLOCKS: Final = 30.0
_SECONDS_BETWEEN_REPORTS: Final = 2.0
_SECONDS_BETWEEN_LOOKS: Final = 0.5
"""`about` is asked no more often, however often a bar moves."""


class About(Protocol):
    """What else there is to say of long work."""

    def line(self) -> str:
        """One line, or nothing."""
        ...

    def block(self) -> Sequence[str]:
        """Further lines, or none."""
        ...


class Bar(_Tqdm):
    """A progress bar; `update(n)` it, and close it (or use it in a `with`)."""

    def __init__(
        self, label: str, total: int | None, unit: str, initial: int, about: About | None
    ) -> None:
        terminal = sys.stderr.isatty()
        quiet = silent()
        now = time.monotonic()
        self._what = (label, unit)
        self._first, self._begun_s = initial, now
        self._about = about
        self._rows = RowsBelow() if terminal and not quiet else None
        self._look_s = self._report_s = now
        self._block_s = now + _SECONDS_BETWEEN_BLOCKS
        self._open = True
        super().__init__(
            total=total,
            initial=initial,
            desc=label,
            unit=f" {unit}",
            disable=quiet,
            dynamic_ncols=terminal,
            mininterval=0.2 if terminal else _SECONDS_BETWEEN_LINES,
            maxinterval=10.0 if terminal else _SECONDS_BETWEEN_LINES,
            ascii=not terminal,
            file=sys.stderr if terminal else LogLines(),
        )

    def update(self, n: float | None = 1) -> bool | None:
        """Count `n` more as done."""
        now = time.monotonic()
        if now >= self._look_s:
            self._look_s = now + _SECONDS_BETWEEN_LOOKS
            self._look(now)
        drawn = super().update(n)
        if self.disable:
            self.n += n or 0
        if now >= self._report_s:
            self._report_s = now + _SECONDS_BETWEEN_REPORTS
            report(self.state())
        return drawn

    def close(self) -> None:
        """Draw the last state and tell it; closing twice does no harm."""
        if getattr(self, "_open", False):
            self._open = False
            after = self._last_words()
            report(self.state())
            super().close()
            write_lines(after)
        else:
            super().close()

    def state(self) -> State:
        """Where the work stands."""
        label, unit = self._what
        elapsed_s = time.monotonic() - self._begun_s
        moved = int(self.n) - self._first
        return State(
            label=label,
            done=int(self.n),
            total=None if self.total is None else int(self.total),
            unit=unit,
            per_s=moved / elapsed_s if moved > 0 and elapsed_s > 0 else None,
            line=self._about.line() if self._about is not None else self._postfix(),
        )

    def _postfix(self) -> str:
        return str(getattr(self, "postfix", None) or "")  # a silent bar has none until it is set

    def _last_words(self) -> list[str]:
        """What to write when the bar is closed; a log has the line at the end of the bar's own."""
        if self._about is None:
            return []
        if self._rows is not None:
            self._rows.close()
            return [self._about.line(), *self._about.block()]
        self.postfix = self._about.line()
        return list(self._about.block())

    def _look(self, now: float) -> None:
        """Ask what there is to say, and show it."""
        if self._about is None or silent():
            return
        if self._rows is not None:
            self._rows.show([self._about.line(), *self._about.block()])
            return
        self.postfix = self._about.line()
        if now >= self._block_s:
            self._block_s = now + _SECONDS_BETWEEN_BLOCKS
            write_lines(self._about.block())


def progress(
    label: str, total: int | None, unit: str, initial: int = 0, about: About | None = None
) -> Bar:
    """A progress bar.

    Args:
        about: Asked now and then, and at the end, for what else there is to say.
    """
    return Bar(label, total, unit, initial, about)


def say(line: str, *, tell: bool = True) -> None:
    """One line of news, above any progress bar; listeners hear it too, unless `tell` is false."""
    write_lines([line])
    if tell:
        report(State(label=line))
