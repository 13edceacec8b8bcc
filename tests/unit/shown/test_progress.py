"""Progress: whole lines where the output is no terminal, rows below the bar where it is
one, silence where it is asked for."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import termios
from collections.abc import Sequence
from typing import IO

import pytest

from factory.shown import progress as module
from factory.shown.progress import progress, say
from factory.shown.status import State, listen


class Story:
    """What a bar is about, in two numbers."""

    def __init__(self) -> None:
        self.asked = 0

    def line(self) -> str:
        self.asked += 1
        return f"asked {self.asked} times"

    def block(self) -> Sequence[str]:
        return ["math  [####....]", "code  [##......]"]


def test_a_log_gets_whole_lines_with_count_and_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "1")
    with progress("grade", 300, "rows") as bar:
        bar.update(100)
        say("news")
        bar.update(200)
    lines = capsys.readouterr().err.splitlines()
    assert "news" in lines
    assert all("\r" not in line and line.strip() for line in lines)
    assert lines[-1].startswith("grade: 100%")
    assert "300/300" in lines[-1]
    assert "rows/s" in lines[-1]


def test_progress_can_be_silenced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "0")
    with progress("grade", 300, "rows", about=Story()) as bar:
        bar.update(300)
        say("news")
    assert capsys.readouterr().err == ""


def test_listeners_hear_counts_rate_and_line_also_where_progress_is_silenced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "0")
    heard: list[State] = []
    with listen(heard.append), progress("grade", 300, "rows", initial=50) as bar:
        bar.set_postfix_str("12 left")
        bar.update(100)
        bar.update(150)
        say("news")
    first, news, last = heard
    assert (first.done, first.total, first.line) == (150, 300, "12 left")
    assert news == State("news")
    assert (last.done, last.percent, last.unit) == (300, 100, "rows")
    assert last.per_s is not None and last.per_s > 0


def test_a_bar_that_moves_often_tells_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "0")
    heard: list[State] = []
    story = Story()
    with listen(heard.append), progress("candidates", None, "candidates", about=story) as bar:
        for _ in range(20_000):
            bar.update(8)
        assert len(heard) <= 2
        assert story.asked == len(heard)
    assert heard[-1].done == 160_000
    assert heard[-1].percent is None


def test_closing_a_bar_twice_tells_its_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "0")
    heard: list[State] = []
    with listen(heard.append):
        bar = progress("grade", 3, "rows")
        bar.close()
        bar.close()
    assert len(heard) == 1


def test_a_log_gets_the_line_with_each_bar_and_the_block_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "1")
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LOOKS", 0.0)
    with progress("candidates", 4, "candidates", about=Story()) as bar:
        bar.update(1)
        assert "math" not in capsys.readouterr().err
        monkeypatch.setattr(bar, "_block_s", 0.0)
        bar.update(1)
        assert "math  [####....]\ncode  [##......]\n" in capsys.readouterr().err
        bar.update(1)
        assert "math" not in capsys.readouterr().err
    *_, bar_line, math, code = capsys.readouterr().err.splitlines()
    assert re.search(r"candidates: +75%.*, asked \d+ times\]", bar_line)
    assert (math, code) == ("math  [####....]", "code  [##......]")


def shown(outside: int, terminal: IO[str]) -> str:
    """What came to a terminal, until it has been quiet for a while."""
    terminal.flush()
    found = b""
    while select.select([outside], [], [], 0.3)[0]:
        found += os.read(outside, 65536)
    return found.decode()


def test_a_terminal_has_line_and_block_below_the_bar_and_keeps_the_last_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "1")
    outside, inside = pty.openpty()
    termios.tcsetwinsize(inside, (24, 100))
    with os.fdopen(inside, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress("candidates", 4, "candidates", about=Story()) as bar:
            bar.update(2)
            during = shown(outside, terminal)
            bar.update(2)
        after = shown(outside, terminal)
    os.close(outside)
    for line in ("asked 1 times", "math  [####....]", "code  [##......]"):
        assert re.search(r"\n[^\n]*" + re.escape(line), during), during
    drawn = [re.sub(r"\x1b\[[A-Z]", "", one).strip() for one in re.split(r"[\r\n]+", after)]
    assert [one for one in drawn if one][-2:] == ["math  [####....]", "code  [##......]"]
    assert any(one.startswith("candidates: 100%") for one in drawn)
