"""The JSON of `retort summary` is stable: other programs read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retort.command import main
from schemas.manifest import LedgerEntry
from schemas.run import DatasetRef, Run
from schemas.score import Score

RUN = Run(
    run="demo-0123",
    recipe="demo",
    target="DistillAll",
    stages=[],
    ledger=[LedgerEntry(stage="select", rows_in=3, rows_out=1, drops={"incorrect": 2})],
    scores=[
        Score(
            model="demo-qwen2",
            role="student",
            arch="qwen2",
            suite="all",
            metric="pass@1",
            temperature=1.0,
            k=8,
            seed=7,
            value=0.5,
            stderr=0.1,
            n=25,
        )
    ],
    dataset=DatasetRef(path="/d/demo/1.0.0", version="1.0.0", digest="ab", rows=1),
    students=["/a/train/demo/model"],
)

STABLE = {
    "run": "demo-0123",
    "ledger": [{"stage": "select", "rows_in": 3, "rows_out": 1, "drops": {"incorrect": 2}}],
    "scores": [
        {
            "model": "demo-qwen2",
            "role": "student",
            "arch": "qwen2",
            "suite": "all",
            "metric": "pass@1",
            "temperature": 1.0,
            "k": 8,
            "seed": 7,
            "value": 0.5,
            "stderr": 0.1,
            "n": 25,
        }
    ],
    "dataset": {"path": "/d/demo/1.0.0", "version": "1.0.0", "digest": "ab", "rows": 1},
    "students": ["/a/train/demo/model"],
}


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """A machine file whose runs hold one run, the latest."""
    folder = tmp_path / "runs" / RUN.run
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(RUN.model_dump_json())
    (tmp_path / "runs" / "latest").symlink_to(RUN.run)
    file = tmp_path / "machine.toml"
    file.write_text(f'[paths]\nruns = "{tmp_path}/runs"\n')
    return str(file)


@pytest.mark.parametrize("run", [[], ["demo-0123"]])
def test_the_json_form_is_frozen(
    run: list[str], machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", *run, "--json", "--machine", machine]) == 0
    assert json.loads(capsys.readouterr().out) == STABLE


def test_the_text_form_shows_funnel_and_scores(
    machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "--machine", machine]) == 0
    text = capsys.readouterr().out
    assert "select        3         1  incorrect 2" in text
    assert "50.0%" in text


def test_a_run_that_is_not_there_is_a_clear_error(
    machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "nothing", "--machine", machine]) == 1
    assert "expected the record of a finished run" in capsys.readouterr().err
