"""What every command prints is harmless to a terminal."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from retort.printed import answer, answer_json, say

RETORT = Path(__file__).parents[3] / "retort"
OWN_PRINTS = {"printed.py": 3, "train_command.py": 1}
"""`train_command` prints a check, which colours rows and makes them visible itself."""


def test_an_answer_keeps_its_lines_and_loses_what_steers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer("one\n\ttwo \x1b[31m")
    say("note \x07")
    said = capsys.readouterr()
    assert said.out == "one\n\ttwo ⟨U+001B⟩[31m\n"
    assert said.err == "note ⟨U+0007⟩\n"


def test_json_reads_the_same_and_holds_nothing_that_steers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = {"detail": "\x1b[2J \x9b \u202e 사과", "n": 3}
    answer_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert out.isascii() and all(one.isprintable() for one in out.replace("\n", ""))


def test_no_command_prints_past_it() -> None:
    found: dict[str, int] = {}
    for path in RETORT.rglob("*.py"):
        calls = [
            one
            for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
        ]
        if prints := sum(one.func.id == "print" for one in calls if isinstance(one.func, ast.Name)):
            found[path.name] = prints
    assert found == OWN_PRINTS
