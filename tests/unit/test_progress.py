"""factory.progress: whole lines where the output is no terminal, silence where it is asked for."""

from __future__ import annotations

import pytest

from factory.progress import progress, say


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
    with progress("grade", 300, "rows") as bar:
        bar.update(300)
        say("news")
    assert capsys.readouterr().err == ""
