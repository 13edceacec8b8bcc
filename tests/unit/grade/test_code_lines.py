"""factory.grade.code_lines: what a line may hold, said before any container starts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from factory.grade.code_lines import CodeLineGrader
from retort.command import main
from sandboxes import Limits
from schemas.code_line import CodeLimits
from schemas.machine import Sandbox

ECHO = {"kind": "stdio", "cases": [{"stdin": "7", "stdout": "7"}]}
LINE = {"id": "a", "language": "python", "program": "print(input())", "tests": ECHO}
CALL = {"kind": "call", "entry_point": "f", "cases": [{"args": [1], "expected": 1}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"program": None}, "`program`: expected a valid string, found None"),
        ({"progam": "x"}, "`progam`: expected no such key"),
        ({"language": "cobol"}, "language: expected one of python, cpp, py"),
        ({"language": 3}, "`language`: expected a valid string, found 3"),
        ({"tests": "assert True"}, "`tests`: expected an object, found 'assert"),
        ({"tests": {"kind": "magic"}}, "tests: expected kind stdio, call or asserts, found 'mag"),
        (
            {"tests": {"kind": "stdio", "cases": []}},
            "tests: expected a list `cases` with at least one case",
        ),
        ({"tests": {"kind": "asserts", "code": "def"}}, "tests: `code` does not parse"),
        (
            {"language": "cpp", "tests": CALL},
            "tests: expected kind stdio for a program in cpp, found",
        ),
        ({"limits": 5}, "`limits`: expected an object, found 5"),
        ({"limits": {"time": 5}}, "`limits.time`: expected no such key"),
        ({"limits": {"wall_s": 0}}, "`limits.wall_s`: expected greater than 0, found 0"),
        ({"limits": {"wall_s": float("nan")}}, "`limits.wall_s`: expected a finite number"),
        ({"limits": {"wall_s": float("inf")}}, "`limits.wall_s`: expected a finite number"),
        ({"limits": {"wall_s": "5"}}, "`limits.wall_s`: expected a valid number, found '5'"),
        ({"limits": {"wall_s": True}}, "`limits.wall_s`: expected a valid number"),
        ({"limits": {"cpu_s": 1e9}}, "`limits.cpu_s`: expected less than or equal to 3600"),
        ({"limits": {"memory_bytes": -1}}, "`limits.memory_bytes`: expected greater than"),
        ({"limits": {"memory_bytes": 1.5}}, "`limits.memory_bytes`: expected a valid int"),
        ({"limits": {"output_bytes": 1 << 40}}, "`limits.output_bytes`: expected less than"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], message: str
) -> None:
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text(f"{json.dumps(LINE)}\n{json.dumps(LINE | {'id': 2} | change)}\n")
    assert main(["grade", "code", str(file), "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert f"{file}:2: {message}" in said
    assert f"GradeFileError: {file}: expected every line to be right, found 1 wrong; " in said
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("key", ["language", "program", "tests"])
def test_a_missing_key_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps({name: value for name, value in LINE.items() if name != key}))
    assert main(["grade", "code", str(file), "--out", str(tmp_path / "out")]) == 1
    assert f"{file}:1: `{key}`: expected this key, found none" in capsys.readouterr().err


def test_limits_that_are_not_named_have_the_defaults_of_the_sandbox() -> None:
    assert CodeLimits().model_dump() == asdict(Limits())
    grader = CodeLineGrader(Sandbox(), 1)
    assert grader.read(LINE).limits == Limits()
    assert grader.read(LINE | {"limits": None}).limits == Limits()
    assert grader.read(LINE | {"limits": {"cpu_s": 1}}).limits == Limits(cpu_s=1.0)


def test_a_program_may_hold_any_text() -> None:
    grader = CodeLineGrader(Sandbox(), 1)
    for program in ("", "\ud800", "\0", "x" * (1 << 20)):
        assert grader.read(LINE | {"program": program}).program == program


@pytest.mark.parametrize("workers", ["0", "-1", "two", "1.5"])
def test_workers_are_a_positive_number(capsys: pytest.CaptureFixture[str], workers: str) -> None:
    with pytest.raises(SystemExit):
        main(["grade", "code", "in", "--out", "out", "--workers", workers])
    assert "expected a number of at least 1" in capsys.readouterr().err


def test_without_an_engine_nothing_is_run_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps(LINE))
    assert main(["grade", "code", str(file), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "SandboxUnavailable" in said
    assert "python -m sandboxes.engine start" in said
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]
