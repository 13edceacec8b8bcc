from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Qwen2Config

from factory.train.flops import training_flops
from factory.train.log import LOG, StepFacts, TrainingLog, last_step, read_log
from factory.train.memory_held import memory_held
from factory.train.plan import Plan, make_plan
from factory.train.tensorboard import FOLDER
from tests.unit.train.jobs import make_job

CONFIG = Qwen2Config(
    vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=1,
)  # fmt: skip
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def plan() -> Plan:
    lengths = np.random.default_rng(0).integers(20, 120, 60)
    return make_plan(lengths, lengths // 2, epochs=2, batch_tokens=700, seed=0)


def _facts(loss: float, **changes: Any) -> StepFacts:
    facts: dict[str, Any] = {"lr": 1e-3, "grad_norm": 0.5, "step_s": 0.5, "data_wait_s": 0.05}
    return StepFacts(loss=loss, save=False, **(facts | changes))


def test_a_step_is_logged_with_its_rates_over_its_own_time(plan: Plan, tmp_path: Path) -> None:
    log = TrainingLog(make_job(tmp_path, tmp_path, tmp_path), plan, 0, CONFIG, CPU)
    log.step(0, _facts(2.0, step_s=0.25))
    log.close()
    line = read_log(tmp_path)[0]
    step = plan.steps[0]
    assert line["tokens_per_s"] == round(step.tokens / 0.25, 1)
    assert line["target_tokens_per_s"] == round(step.targets / 0.25, 1)
    assert (line["step"], line["steps"], line["epoch"]) == (1, len(plan.steps), 1)
    assert (line["grad_norm"], line["data_wait_s"], line["mfu"]) == (0.5, 0.05, None)
    assert line["memory_bytes"] > 1e8
    assert line["left_s"] >= 0


def test_mfu_is_the_models_operations_over_the_peak_of_all_ranks(
    plan: Plan, tmp_path: Path
) -> None:
    job = make_job(tmp_path, tmp_path, tmp_path, ranks=4, peak_tflops=0.001)
    log = TrainingLog(job, plan, 0, CONFIG, CPU)
    log.step(0, _facts(2.0))
    log.step(1, _facts(2.0, step_s=1.5))
    log.close()
    flops = [
        training_flops(CONFIG, tokens=step.tokens, targets=step.targets, pairs=step.pairs)
        for step in plan.steps[:2]
    ]
    found = [line["mfu"] for line in read_log(tmp_path)]
    assert found == pytest.approx([flops[0] / 0.5 / 4e9, flops[1] / 1.5 / 4e9], abs=1e-5)
    figures = log.figures()
    assert figures["mfu"] == pytest.approx(sum(flops) / 2 / 4e9, abs=1e-5)
    assert figures["data_wait_ratio"] == pytest.approx(0.05)
    assert figures["memory_bytes"] > 1e8


def test_steps_that_a_kill_undid_stand_once_in_the_log_and_in_the_curves(
    plan: Plan, tmp_path: Path
) -> None:
    job = make_job(tmp_path, tmp_path, tmp_path)
    first = TrainingLog(job, plan, 0, CONFIG, CPU)
    first.evaluated(0, 9.0)
    for number in range(4):
        first.step(number, _facts(float(number)))
    first.evaluated(4, 8.0)
    first.close()
    again = TrainingLog(job, plan, 2, CONFIG, CPU)
    for number in range(2, 5):
        again.step(number, _facts(10.0 + number))
    again.evaluated(5, 7.0)
    again.close()
    losses = [line["loss"] for line in read_log(tmp_path) if "loss" in line]
    assert losses == [0.0, 1.0, 12.0, 13.0, 14.0]
    assert again.figures().items() >= {
        "first_loss": 0.0, "final_loss": 14.0, "first_eval_loss": 9.0, "final_eval_loss": 7.0,
    }.items()  # fmt: skip
    curves = _curves(tmp_path)
    assert curves["train/loss"] == list(zip(range(1, 6), losses, strict=True))
    assert curves["eval/loss"] == [(0, 9.0), (5, 7.0)]
    assert {"train/tokens_per_s", "train/grad_norm", "train/memory_bytes"} <= curves.keys()


def test_what_was_killed_before_its_first_checkpoint_begins_a_new_log(
    plan: Plan, tmp_path: Path
) -> None:
    job = make_job(tmp_path, tmp_path, tmp_path)
    for loss in (9.0, 8.0):
        log = TrainingLog(job, plan, 0, CONFIG, CPU)
        log.evaluated(0, loss)
        log.step(0, _facts(loss))
        log.close()
    assert [line.get("eval_loss") for line in read_log(tmp_path)] == [8.0, None]
    curves = _curves(tmp_path)
    assert (curves["eval/loss"], curves["train/loss"]) == ([(0, 8.0)], [(1, 8.0)])


def test_the_last_step_is_read_from_the_end_of_a_long_log(plan: Plan, tmp_path: Path) -> None:
    assert last_step(tmp_path) is None
    log = TrainingLog(make_job(tmp_path, tmp_path, tmp_path), plan, 0, CONFIG, CPU)
    for number in range(3):
        log.step(number, _facts(float(number)))
    log.close()
    path = tmp_path / LOG
    lines = path.read_text()
    path.write_text(lines * 40)
    assert path.stat().st_size > 1 << 14
    with open(path, "a") as file:
        file.write('{"step": 3, "eval_loss": 1.0}\n{"step": 4, "lo')
    last = last_step(tmp_path)
    assert last is not None
    assert last == read_log(tmp_path)[-2]


def test_memory_on_cpu_is_the_peak_of_this_process_alone() -> None:
    block = np.ones(60_000_000)
    peak = memory_held(CPU)
    assert peak > block.nbytes
    del block
    assert memory_held(CPU) > 0.99 * peak  # the kernel counts by the batch
    child = (
        "from factory.train.memory_held import resident_peak; import sys; "
        "sys.exit(resident_peak() > 3e8)"
    )
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == 0


def _curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> `(step, value)` as TensorBoard shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / FOLDER))
    events.Reload()
    return {
        tag: [(one.step, one.value) for one in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
