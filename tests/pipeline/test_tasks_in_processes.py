"""Tasks run in processes of their own: what is said when one dies, what runs beside what."""

from __future__ import annotations

import time

import psutil
import pytest

from pipelines.stage import Stage
from pipelines.students import ValidateModel
from schemas.machine import Machine, Vllm
from tests.pipeline.conftest import ROOT, Place, kill_group

IMPORT = "recipes/import-tiny.toml"


def test_a_task_whose_process_is_killed_fails_the_run_with_a_line_about_it(place: Place) -> None:
    process = place.start("BuildDataset", IMPORT)
    try:
        deadline = time.monotonic() + 60
        while not place.artifacts("collect"):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        for child in psutil.Process(process.pid).children():
            child.kill()
        code = process.wait(60)
    finally:
        kill_group(process)
    assert code == 30
    output = place.log.read_text()
    assert "died unexpectedly with exit code -9; what it finished is kept" in output
    assert "Traceback" not in output
    place.finish("BuildDataset", IMPORT)


def validation(**vllm: int) -> ValidateModel:
    return ValidateModel(
        recipe=str(ROOT / "recipes" / "tiny.toml"),
        machine=Machine(vllm=Vllm(**vllm)),
        role="teacher",
    )


def shares(stage: Stage) -> float:
    (share,) = stage.process_resources().values()
    return share


def test_two_validations_fit_a_host_side_by_side_and_nothing_else_does() -> None:
    both = validation(models_at_once=2)
    assert shares(both) * 2 == 1
    assert shares(validation(models_at_once=1)) == 1
    assert all(shares(suite) == 1 for suite in both.suites())


def test_a_validation_beside_another_takes_half_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(16)))
    half = validation(models_at_once=2).own_share()
    assert (half.vllm.cpu_threads, half.sandbox.slots) == (7, 8)
    whole = Machine(vllm=Vllm(models_at_once=1))
    assert validation(models_at_once=1).own_share() == whole
