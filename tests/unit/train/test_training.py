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

import numpy as np
import psutil
import pytest

from factory.recipe_file import ROOT
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.tokens import write_tokens
from tests.unit.train.jobs import END, make_documents, make_job, reference, weights


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    write_tokens(path, make_documents(75, 0))
    return path


@pytest.mark.parametrize(
    "zero_stage",
    [
        2,
        pytest.param(0, marks=pytest.mark.slow),
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(3, marks=pytest.mark.slow),
    ],
)
def test_five_steps_on_two_ranks_equal_plain_unpacked_training(
    tokens: Path, tiny_base: Path, tmp_path: Path, zero_stage: int
) -> None:
    job = make_job(tokens, tiny_base, tmp_path / "out", zero_stage=zero_stage)
    outcome = run_training(job)
    assert outcome.steps == 5
    expected, losses = reference(job)
    found = weights(tmp_path / "out" / "model")
    for name, value in found.items():
        assert np.abs(value - expected[name]).max() <= 2e-5, name
    log = read_log(tmp_path / "out")
    assert [line["loss"] for line in log] == pytest.approx(losses, rel=1e-4)
    _check_export(tmp_path / "out" / "model", found)


def _check_export(folder: Path, found: dict[str, np.ndarray]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert "lm_head.weight" not in found
    assert np.array_equal(
        model.get_output_embeddings().weight.detach().numpy(), found["model.embed_tokens.weight"]
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template
    assert tokenizer.eos_token_id == model.generation_config.eos_token_id == END


def test_in_bfloat16_the_losses_are_nearly_those_of_float32(
    tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    job = make_job(tokens, tiny_base, tmp_path / "out", precision="bfloat16")
    run_training(job)
    _, losses = reference(job)
    log = read_log(tmp_path / "out")
    assert [line["loss"] for line in log] == pytest.approx(losses, rel=0.02)


def test_the_loss_in_chunks_is_the_loss_at_once(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from factory.train import loss
    from factory.train.pack import collate, pack

    batch = [torch.from_numpy(a) for a in collate(pack(make_documents(9, 6), 256, 0), 0)]
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    results: list[tuple[float, torch.Tensor]] = []
    for limit in (1 << 26, 261 * 16):
        monkeypatch.setattr(loss, "_CHUNK_LOGITS_CPU", limit)
        model.zero_grad()
        value = loss.Learner(model)(*batch)
        value.backward()
        results.append((value.item(), model.get_input_embeddings().weight.grad.clone()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    assert torch.allclose(results[0][1], results[1][1], rtol=1e-3, atol=1e-4)


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
