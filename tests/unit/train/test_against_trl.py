"""Our trainer beside TRL's SFTTrainer, where the two define the loss alike.

One process, float32, the same documents in each step, none packed, the mean per target token of
the step (TRL divides the sum by `num_items_in_batch`), AdamW with decay of matrices only.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.recipe_file import ROOT
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.tokens import write_tokens
from tests.unit.train.jobs import make_documents, make_job, weights


@pytest.mark.slow
def test_five_steps_equal_those_of_trl(tiny_base: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("trl") is None:
        pytest.skip("trl is not installed")
    tokens = tmp_path / "tokens.arrow"
    write_tokens(tokens, make_documents(20, 0))
    settings: dict[str, Any] = {
        "ranks": 1,
        "packing": False,
        "batch_tokens": 270,
        "micro_batch_tokens": 256,
        "schedule": "constant",
        "warmup_ratio": 0.0,
        "weight_decay": 0.1,
        "clip_grad_norm": 0.1,
    }
    job = make_job(tokens, tiny_base, tmp_path / "out", **settings)
    assert run_training(job).steps == 5
    (tmp_path / "job.json").write_text(job.model_dump_json())
    peer = subprocess.run(
        [sys.executable, "-m", "tests.unit.train.trl_once", str(tmp_path / "job.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert peer.returncode == 0, peer.stderr[-4000:]
    ours, theirs = weights(job.out / "model"), weights(job.out / "trl")
    before = weights(tiny_base)
    for name, value in ours.items():
        assert np.abs(value - theirs[name]).max() <= 2e-5, name
    assert max(float(np.abs(value - before[name]).max()) for name, value in ours.items()) > 1e-3
    losses = [line["loss"] for line in read_log(job.out) if "loss" in line]
    found = json.loads((job.out / "trl" / "losses.json").read_text())
    assert losses == pytest.approx(found, rel=1e-4)
