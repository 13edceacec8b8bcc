"""The JSON of `retort summary` is stable: other programs read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.run_record import read_run
from factory.shown.summary_text import summary_text
from retort.command import main, summary
from schemas.manifest import LedgerEntry
from schemas.run import DatasetRef, Run
from schemas.score import Comparison, Score
from schemas.spent import Spent

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
            stderr_candidates=0.03,
            low=0.31,
            high=0.69,
            n=25,
        )
    ],
    comparisons=[
        Comparison(
            model="demo-qwen2",
            role="student",
            other="embedded:base-qwen2",
            other_role="base",
            suite="all",
            metric="pass@1",
            difference=0.25,
            stderr=0.05,
            low=0.147,
            high=0.353,
            p_value=0.00002,
            better=12,
            worse=3,
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
            "stderr_candidates": 0.03,
            "low": 0.31,
            "high": 0.69,
            "n": 25,
        }
    ],
    "comparisons": [
        {
            "model": "demo-qwen2",
            "role": "student",
            "other": "embedded:base-qwen2",
            "other_role": "base",
            "suite": "all",
            "metric": "pass@1",
            "difference": 0.25,
            "stderr": 0.05,
            "low": 0.147,
            "high": 0.353,
            "p_value": 0.00002,
            "better": 12,
            "worse": 3,
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
    assert "50.0%  31.0–69.0    10.0" in text
    assert "demo-qwen2  embedded:base-qwen2  base       +25.0  +14.7 to +35.3  <0.0001" in text


def test_a_record_of_before_there_were_intervals_is_given_them_and_has_no_comparisons(
    tmp_path: Path,
) -> None:
    old = RUN.model_dump(mode="json")
    del old["comparisons"]
    for name in ("stderr_candidates", "low", "high"):
        del old["scores"][0][name]
    (tmp_path / "run.json").write_text(json.dumps(old))
    read = read_run(tmp_path)
    assert read.comparisons == []
    assert read.scores[0].low == pytest.approx(0.31, abs=0.02)
    assert "50.0%" in summary_text(read)


def spent_text(spent: Spent | None) -> str:
    """The text of a run of which one sample came of each hundred candidates."""
    ledger = [
        LedgerEntry(stage="generate", rows_in=1000, rows_out=1000),
        LedgerEntry(stage="select", rows_in=1000, rows_out=10, drops={"incorrect": 990}),
    ]
    return summary_text(RUN.model_copy(update={"ledger": ledger, "spent": spent}))


def test_the_text_form_shows_what_the_data_and_one_sample_took() -> None:
    spent = Spent(candidates=1000, tokens=50_000, wall_s=1800, gpu_s=7200, cost=6.0)
    text = spent_text(spent)
    assert "drawn     1,000 candidates, 50,000 tokens, 2.00 GPU-hours, cost 6.00\n" in text
    assert "sample    5.0K tokens, 720 GPU-s, cost 0.60 each\n" in text
    half = spent_text(spent.model_copy(update={"candidates": 500}))
    assert "sample    10K tokens, 1.4K GPU-s, cost 1.20 each\n" in half, "the store had the rest"


def test_what_is_not_known_of_the_cost_is_not_in_the_text() -> None:
    text = spent_text(Spent(candidates=1000, tokens=50_000, wall_s=1800))
    assert "drawn     1,000 candidates, 50,000 tokens, 0:30:00 with servers\n" in text
    assert "sample    5.0K tokens, 180 s each\n" in text
    assert "drawn" not in spent_text(None)
    assert "sample  " not in spent_text(Spent(tokens=7))


def test_a_record_without_what_was_spent_is_read_and_one_with_it_keeps_the_json_form() -> None:
    old = RUN.model_dump(mode="json")
    del old["spent"]
    assert Run.model_validate(old) == RUN
    assert summary(RUN.model_copy(update={"spent": Spent(tokens=7)})) == STABLE


def test_a_run_that_is_not_there_is_a_clear_error(
    machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "nothing", "--machine", machine]) == 1
    assert "expected the record of a finished run" in capsys.readouterr().err
