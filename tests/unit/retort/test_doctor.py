"""retort.doctor: it says what is missing, and how to mend it, without raising."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retort.command import main


def test_without_docker_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert main(["doctor", "--json"]) == 0
    findings = {one["stage"]: one for one in json.loads(capsys.readouterr().out)}
    assert findings["grade code"]["state"] == "missing"
    assert "Docker" in findings["grade code"]["remedy"]
    assert findings["data stage"]["state"] == "ok"


def test_without_the_data_it_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path / "none"))
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "warning  collect" in text
    assert "set RETORT_DATA" in text


def test_a_machine_file_that_is_wrong_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "machine.toml"
    file.write_text("workers = 0\n")
    assert main(["doctor", "--machine", str(file)]) == 1
    assert "workers" in capsys.readouterr().err
