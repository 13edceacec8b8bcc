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


def test_a_cluster_that_does_not_answer_is_missing_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "machine.toml"
    file.write_text('executor = "ray"\n[ray]\naddress = "127.0.0.1:1"\n')
    assert main(["doctor", "--json", "--machine", str(file)]) == 0
    (found,) = [
        one for one in json.loads(capsys.readouterr().out) if one["stage"] == "executor ray"
    ]
    assert found["state"] == "missing"
    assert "ray start --head" in found["remedy"]


def test_without_a_cluster_in_the_machine_file_ray_is_not_spoken_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 0
    assert "executor ray" not in capsys.readouterr().out
