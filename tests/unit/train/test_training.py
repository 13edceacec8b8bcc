"""The gradient against a plain reference, isolation of packed documents, resume, export.

Everything that starts ranks is a launch of its own, about ten seconds each on two cores.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from factory.errors import TrainError
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


def _command(process: psutil.Process) -> list[str]:
    """Its command line; empty where it has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.slow
def test_a_dead_rank_stops_the_training_and_a_wrong_checkpoint_is_refused(
    tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    job = make_job(tokens, tiny_base, tmp_path / "out", epochs=400, checkpoint_every_steps=5)
    mark = job.out / "checkpoints" / "step-000010" / "complete.json"
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(run_training, job)
        _wait_for(mark.exists, 120)
        rank = next(
            one
            for one in psutil.Process().children(recursive=True)
            if "factory.train.loop" in _command(one) and "--standalone" not in _command(one)
        )
        rank.kill()
        killed_s = time.monotonic()
        with pytest.raises(TrainError, match="a rank ended with an error"):
            training.result(timeout=60)
        assert time.monotonic() - killed_s < 30
    with pytest.raises(TrainError, match="expected ranks = 1, found 2; run with 2 ranks"):
        run_training(job.model_copy(update={"ranks": 1}))
    newest = sorted(job.out.glob("checkpoints/step-*/complete.json"))[-1].parent
    state = next(newest.glob("*optim_states.pt"))
    os.truncate(state, state.stat().st_size // 2)
    with pytest.raises(TrainError, match=f"{newest.name}: expected .* bytes in {state.name}"):
        run_training(job)
    assert len(list(job.out.glob("checkpoints/step-*/complete.json"))) == 2


def test_a_loss_that_is_not_finite_stops_the_training(
    tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    job = make_job(tokens, tiny_base, tmp_path / "out", lr=1e30, clip_grad_norm=1e30)
    with pytest.raises(TrainError, match="expected a finite loss, found"):
        run_training(job)
    assert not (job.out / "model").exists()


def test_a_training_that_is_finished_is_not_run_again(tmp_path: Path) -> None:
    from factory.digest import digest
    from factory.train.job import TrainingOutcome

    job = make_job(tmp_path / "none", tmp_path / "none", tmp_path / "out")
    outcome = TrainingOutcome(
        steps=1, epochs=1, documents=1, tokens=1, target_tokens=1, parameters=1, first_loss=1.0,
        final_loss=1.0, tokens_per_s=1.0, target_tokens_per_s=1.0, packing_efficiency=1.0,
        row_tokens=1, ranks=1, wall_s=1.0,
    )  # fmt: skip
    (job.out / "model").mkdir(parents=True)
    (job.out / "model" / "config.json").touch()
    job.work.mkdir()
    identity = digest(job.model_dump(exclude={"stall_timeout_s"}))
    (job.work / "finished.json").write_text(
        json.dumps({"job": identity, "outcome": outcome.model_dump()})
    )
    assert run_training(job) == outcome


def _wait_for(true: Any, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
