"""The gradient against a plain reference, isolation of packed documents, resume, export.

Everything that starts ranks is a launch of its own, about ten seconds each on two cores.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.recipe_file import ROOT
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.tokens import write_tokens
from tests.unit.train.jobs import make_documents, make_job


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    write_tokens(path, make_documents(75, 0))
    return path


def test_a_killed_training_leaves_no_rank_and_continues_to_the_same_bits(
    tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    many = {"epochs": 6, "checkpoint_every_steps": 4}
    whole = make_job(tokens, tiny_base, tmp_path / "whole", **many)
    run_training(whole)
    killed = make_job(tokens, tiny_base, tmp_path / "killed", **many)
    (tmp_path / "job.json").write_text(killed.model_dump_json())
    start = (
        "import sys, pathlib; from factory.train.launch import run_training as run;"
        "from factory.train.job import TrainingJob as Job;"
        "run(Job.model_validate_json(pathlib.Path(sys.argv[1]).read_text()))"
    )
    parent = subprocess.Popen([sys.executable, "-c", start, tmp_path / "job.json"], cwd=ROOT)
    mark = killed.out / "checkpoints" / "step-000008" / "complete.json"
    _wait_for(mark.exists, 120)
    family = psutil.Process(parent.pid).children(recursive=True)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert len(family) >= 3
    assert not psutil.wait_procs(family, timeout=10)[1]
    assert not (killed.out / "model").exists()
    assert len(list((killed.out / "checkpoints").glob("step-*/complete.json"))) <= 2

    outcome = run_training(killed)
    assert _bytes(killed.out / "model") == _bytes(whole.out / "model")
    assert [line["step"] for line in read_log(killed.out)] == list(range(1, outcome.steps + 1))
    assert not (killed.out / "checkpoints").exists()


def _wait_for(true: Any, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
