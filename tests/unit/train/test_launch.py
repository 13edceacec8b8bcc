"""Ranks that are started, watched, stopped and ended; each launch takes about ten seconds."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.errors import RetortError, StorageFull, TrainError
from factory.train.failure import tell_crashes, why_it_ended, write_exits, write_refusal
from factory.train.finished import clear_folder, finish, finished_outcome, write_outcome
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.pulse import read_sign, write_sign
from factory.train.tokens import write_tokens
from factory.train.watch import Signs, step_text
from tests.unit.train.jobs import make_documents, make_job


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    write_tokens(path, make_documents(75, 0))
    return path


@pytest.mark.parametrize(
    ("blow", "stall_timeout_s", "expected"),
    [
        (signal.SIGKILL, 60.0, "killed from outside: rank 1 by SIGKILL; the last checkpoint is"),
        (signal.SIGSTOP, 12.0, r"(no step|no sign of life from rank 1 on \S+) for 12 s, so its"),
    ],
)
def test_a_rank_that_is_killed_or_stopped_ends_the_training(
    tokens: Path,
    tiny_base: Path,
    tmp_path: Path,
    blow: signal.Signals,
    stall_timeout_s: float,
    expected: str,
) -> None:
    job = make_job(
        tokens, tiny_base, tmp_path / "out", epochs=1000, stall_timeout_s=stall_timeout_s
    )
    others = set(psutil.Process().children(recursive=True))  # multiprocessing's own
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(run_training, job)
        _wait_for(lambda: len(read_log(job.out)) > 3, training.done)
        family = set(psutil.Process().children(recursive=True)) - others
        os.kill(int(read_sign(job.work / "ranks" / "1").split()[1]), blow)
        with pytest.raises(TrainError, match=expected):
            training.result(timeout=10 if blow == signal.SIGKILL else 60)
    assert not psutil.wait_procs(family, timeout=10)[1]


def test_a_loss_that_is_not_finite_stops_the_training(
    tokens: Path, tiny_base: Path, tmp_path: Path
) -> None:
    job = make_job(tokens, tiny_base, tmp_path / "out", lr=1e30, clip_grad_norm=1e30, ranks=1)
    with pytest.raises(TrainError, match="expected a finite loss, found"):
        run_training(job)
    assert not (job.out / "model").exists()


def test_a_training_that_is_finished_is_not_run_again(tokens: Path, tmp_path: Path) -> None:
    job = make_job(tokens, tmp_path / "none", tmp_path / "out")
    outcome = TrainingOutcome(
        steps=1, epochs=1, documents=1, tokens=1, target_tokens=1, parameters=1, first_loss=1.0,
        final_loss=1.0, tokens_per_s=1.0, target_tokens_per_s=1.0, packing_efficiency=1.0,
        row_tokens=1, ranks=1, wall_s=1.0,
    )  # fmt: skip
    (job.out / "model").mkdir(parents=True)
    (job.out / "model" / "config.json").touch()
    clear_folder(job)
    write_outcome(job, outcome)
    finish(job)
    assert run_training(job) == outcome
    elsewhere = job.model_copy(update={"ranks": 8, "peak_tflops": 312.0, "checkpoints_kept": 5})
    assert run_training(elsewhere) == outcome
    assert finished_outcome(job.model_copy(update={"lr": 1e-4})) is None
    write_tokens(tmp_path / "others", make_documents(3, 1), made_from="others")
    other = job.model_copy(update={"tokens": [str(tmp_path / "others")]})
    assert finished_outcome(other) is None


# ------------------------------------------------------------------------------- why it ended


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    made = make_job(tmp_path, tmp_path, tmp_path / "out")
    made.work.mkdir(parents=True)
    (made.work / "ranks.log").write_text("first line\n" * 40 + "last line\n")
    return made


def _why(job: TrainingJob, code: int = 1) -> RetortError:
    return why_it_ended(job, code, job.work / "ranks.log")


def _crash(job: TrainingJob, rank: int, error: Exception, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    tell_crashes(job, rank)
    try:
        raise error
    except type(error) as raised:
        sys.excepthook(type(raised), raised, raised.__traceback__)


def test_an_error_that_nobody_expected_shows_the_end_of_its_trace(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crash(job, 1, ZeroDivisionError("by nought"), monkeypatch)
    _crash(job, 0, RuntimeError("the other one closed its connection"), monkeypatch)
    write_exits(job.work, {0: 1, 1: 1})
    message = str(_why(job))
    assert "rank 1 ended with an error; the last checkpoint is kept" in message
    assert message.endswith("ZeroDivisionError: by nought")


def test_a_rank_that_was_killed_explains_the_errors_of_the_others(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crash(job, 0, RuntimeError("the other one closed its connection"), monkeypatch)
    write_exits(job.work, {0: -signal.SIGTERM, 2: -signal.SIGKILL, 3: -signal.SIGBUS})
    message = str(_why(job))
    assert "killed from outside: rank 2 by SIGKILL, rank 3 by SIGBUS; the last" in message
    assert message.endswith("first line\nlast line")


def test_a_rank_that_crashed_was_not_killed_from_outside(job: TrainingJob) -> None:
    write_exits(job.work, {0: -signal.SIGTERM, 1: -signal.SIGABRT})
    assert "crashed: rank 1 by SIGABRT; the last checkpoint is kept" in str(_why(job))


def test_an_error_made_on_purpose_is_the_whole_message(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crash(job, 0, RuntimeError("the other one closed its connection"), monkeypatch)
    write_refusal(job, 1, TrainError("a wrong row"))
    found = _why(job, 3)
    assert (type(found), str(found)) == (TrainError, "a wrong row")


def test_a_full_disk_is_told_as_one(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    _crash(job, 0, OSError(errno.ENOSPC, "No space left on device"), monkeypatch)
    found = _why(job)
    assert isinstance(found, StorageFull)
    assert "expected room to write, found the disk full (OSError: [Errno 28]" in str(found)


@pytest.mark.parametrize(
    ("code", "said"), [(1, "1"), (247, "247, SIGKILL"), (139, "139, SIGSEGV"), (0, "0")]
)
def test_where_no_rank_told_anything_there_is_the_end_of_the_output(
    job: TrainingJob, code: int, said: str
) -> None:
    message = str(_why(job, code))
    assert f"a rank ended with an error (exit code {said}); the last checkpoint" in message
    assert message.count("first line") == 24
    assert message.endswith("last line")


def test_the_rank_that_ended_first_is_named_where_the_launcher_names_none(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crash(job, 0, RuntimeError("the other one closed its connection"), monkeypatch)
    output = job.work / "ranks.log"
    message = str(why_it_ended(job, 247, output, gone=1))
    assert "rank 1 ended first and told nothing (exit code 247, SIGKILL); the last" in message
    assert "rank 0 ended with an error" in str(why_it_ended(job, 1, output, gone=0))


# ------------------------------------------------------------------------------------ watching


def test_a_phase_that_takes_long_may_take_ten_times_as_long(tmp_path: Path) -> None:
    (tmp_path / "work" / "ranks").mkdir(parents=True)
    patient, hasty = (
        make_job(tmp_path, tmp_path, tmp_path, ranks=1, stall_timeout_s=stall_s)
        for stall_s in (60.0, 0.01)
    )
    for phase, still in (
        ("steps 7", "no step for 0 s"),
        ("save 8", "no progress in the phase 'save' for 0 s"),
    ):
        write_sign(tmp_path / "work" / "phase", phase)
        one, other = Signs(patient), Signs(hasty)
        assert (one.look(), one.moved, other.look()) == (None, True, None)
        time.sleep(0.15)
        assert (one.look(), one.moved, other.look()) == (None, False, still)


def test_a_rank_without_a_sign_of_life_is_named_with_its_host(tmp_path: Path) -> None:
    ranks = tmp_path / "work" / "ranks"
    ranks.mkdir(parents=True)
    job = make_job(tmp_path, tmp_path, tmp_path, stall_timeout_s=0.5)
    write_sign(ranks / "0", "here 17 1")
    write_sign(ranks / "1", "far.example 17 1")
    signs = Signs(job)
    found = None
    for beat in range(2, 100):
        write_sign(ranks / "0", f"here 17 {beat}")
        write_sign(tmp_path / "work" / "phase", f"save {beat}")
        found = signs.look()
        if found:
            break
        time.sleep(0.1)
    assert found == "no sign of life from rank 1 on far.example for 0 s"


def test_a_step_is_shown_with_what_is_known_of_it() -> None:
    line = {
        "loss": 0.51236, "tokens_per_s": 35210.4, "mfu": 0.412, "grad_norm": 0.8314,
        "memory_bytes": 41_200_000_000, "left_s": 7384.2,
    }  # fmt: skip
    assert step_text(line) == (
        "loss 0.5124, 35,210 tokens/s, MFU 41.2%, gradient 0.831, 41.20 GB, 2 h 3 min left"
    )
    on_cpu = step_text({**line, "mfu": None, "left_s": 59.0})
    assert on_cpu.endswith("tokens/s, gradient 0.831, 41.20 GB, 59 s left")


def _wait_for(true: Callable[[], bool], over: Callable[[], bool]) -> None:
    while not true() and not over():
        time.sleep(0.05)
