"""`retort train` in ranks that torchrun or another launcher started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.recipe_file import ROOT
from factory.train.log import read_log
from factory.train.pulse import read_sign
from tests.unit.train.folders import doubled, write_dataset

RECIPE = """
name = "joined"

[train]
max_length_tokens = 200
batch_tokens = 400
"""
STUDENT = """
[[train.students]]
name = "{name}"
lr = {lr}
epochs = {epochs}
[train.students.base]
arch = "qwen2"
tokenizer = "embedded:base-qwen2"
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command of each rank; it writes below `out`."""
    write_dataset(tmp_path / "dataset", doubled(20))
    _write_recipe(tmp_path, {"name": "first", "lr": 1e-3, "epochs": 1})
    return [
        *("retort.command", "train", str(tmp_path / "recipe.toml")),
        *("--dataset", str(tmp_path / "dataset"), "--out", str(tmp_path / "out")),
        *("--machine", str(tmp_path / "machine.toml")),
    ]


def test_ranks_of_torchrun_train_what_rank_0_says(command: list[str], tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "-m", *command, "--json"],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count('"target_tokens"') == 1  # rank 0 alone reports
    _check_student(tmp_path / "out" / "first")


@pytest.mark.soak
def test_two_machines_of_torchrun_train_one_student_after_another(
    command: list[str], tmp_path: Path
) -> None:
    _write_recipe(tmp_path, *({"name": name, "lr": 1e-3, "epochs": 1} for name in ("first", "two")))
    port = _free_port()
    nodes = [
        _start(
            [
                *("-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"),
                *("--node-rank", str(node), "--master-addr", "127.0.0.1"),
                *("--master-port", str(port), "-m", *command),
            ]
        )
        for node in range(2)
    ]
    told = [node.communicate(timeout=240)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], told
    for name in ("first", "two"):
        _check_student(tmp_path / "out" / name)


def _check_student(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["figures"]["ranks"], manifest["ledger"]["rows_out"]) == (2, 20)
    assert (folder / "model" / "model.safetensors").is_file()


@pytest.mark.soak
def test_what_rank_0_refuses_ends_every_rank_with_the_same_words(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "dataset" / "data" / "train-00000-of-00001.parquet").unlink()
    ranks = _ranks(command)
    told = [rank.communicate(timeout=240)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 1]
    assert told[0].splitlines()[-1] == told[1].splitlines()[-1]
    assert "dataset" in told[1].splitlines()[-1]


@pytest.mark.soak
def test_what_goes_wrong_in_training_is_told_by_every_rank(
    command: list[str], tmp_path: Path
) -> None:
    _write_recipe(tmp_path, {"name": "first", "lr": 1e30, "epochs": 9})
    ranks = _ranks(command)
    told = [rank.communicate(timeout=240)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 1]
    assert all("expected a finite" in one.splitlines()[-1] for one in told)


@pytest.mark.soak
@pytest.mark.parametrize("struck", [0, 1])
def test_ranks_that_nobody_watches_end_when_one_stands_still(
    command: list[str], tmp_path: Path, struck: int
) -> None:
    _write_recipe(tmp_path, {"name": "first", "lr": 1e-5, "epochs": 4000}, stall_s=5)
    ranks = _ranks(command)
    out = tmp_path / "out" / "first"
    while len(read_log(out)) < 3:
        assert ranks[0].poll() is None
        time.sleep(0.1)
    assert int(read_sign(out / "work" / "ranks" / "1").split()[1]) == ranks[1].pid
    os.kill(ranks[struck].pid, signal.SIGSTOP)
    other = ranks[1 - struck]
    assert other.wait(60) != 0
    assert "imed out" in other.communicate()[1]
    ranks[struck].kill()
    ranks[struck].communicate()


@pytest.mark.soak
def test_ranks_that_wait_for_rank_0_end_when_it_is_killed(
    command: list[str], tmp_path: Path
) -> None:
    write_dataset(tmp_path / "large", doubled(60_000))
    command[command.index("--dataset") + 1] = str(tmp_path / "large")
    ranks = _ranks(command)
    while not (tmp_path / "out" / "first" / "work" / "tokens").exists():
        assert ranks[0].poll() is None
        time.sleep(0.05)
    family = psutil.Process(ranks[0].pid).children(recursive=True)
    ranks[0].kill()
    assert ranks[1].wait(30) != 0
    assert not psutil.wait_procs(family, timeout=10)[1]
    for rank in ranks:
        rank.communicate()


def _write_recipe(folder: Path, *students: dict[str, Any], stall_s: float = 600) -> None:
    text = RECIPE + "".join(STUDENT.format(**one) for one in students)
    (folder / "recipe.toml").write_text(text)
    (folder / "machine.toml").write_text(f"[training]\nstall_timeout_s = {stall_s}\n")


def _ranks(command: Sequence[str]) -> list[subprocess.Popen[str]]:
    """Two ranks as srun would start them: no torchrun around them."""
    port = _free_port()
    return [
        _start(
            ["-m", *command],
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE="2",
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
        )
        for rank in range(2)
    ]


def _start(arguments: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**_environment(), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "RETORT_PROGRESS": "0"}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
