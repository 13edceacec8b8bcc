"""Trainings on the hosts of a hostfile, by DeepSpeed's own runner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from factory.errors import TrainError
from factory.recipe_file import ROOT
from factory.train.job import TrainingJob
from factory.train.launch import run_training
from factory.train.log import read_log
from factory.train.pulse import LEASE_S, read_sign
from factory.train.tokens import write_tokens
from tests.unit.train.jobs import make_documents, make_job, reference, weights

PDSH = """#!{python}
'''Stands in for pdsh: each "host" is a shell here, with nothing of this environment.'''
import subprocess, sys
assert sys.argv[1:5] == ["-S", "-f", "1024", "-w"], sys.argv
hosts, command = sys.argv[5].split(","), " ".join(sys.argv[6:])
clean = {{"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}}
running = [
    subprocess.Popen(["bash", "-c", command.replace("%n", str(number))], env=clean)
    for number in range(len(hosts))
]
codes = [one.wait() for one in running]
for host, code in zip(hosts, codes):
    if code:
        print(f"pdsh@here: {{host}}: ssh exited with exit code {{code}}", file=sys.stderr)
sys.exit(max(codes))
"""


@pytest.fixture
def job(tiny_base: Path, tmp_path: Path) -> TrainingJob:
    write_tokens(tmp_path / "tokens.arrow", make_documents(75, 0))
    (tmp_path / "hosts").write_text("localhost slots=2\n")
    return make_job(
        tmp_path / "tokens.arrow",
        tiny_base,
        tmp_path / "out",
        hostfile=str(tmp_path / "hosts"),
        zero_stage=0,
    )


@pytest.fixture
def two_hosts(job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingJob:
    (tmp_path / "hosts").write_text("localhost slots=1\n127.0.0.1 slots=1\n")
    pdsh = tmp_path / "bin" / "pdsh"
    pdsh.parent.mkdir()
    pdsh.write_text(PDSH.format(python=sys.executable))
    pdsh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{pdsh.parent}:{os.environ['PATH']}")
    return job


def test_a_hostfile_of_this_host_trains_as_plain_training_does(job: TrainingJob) -> None:
    outcome = run_training(job)
    _equals_plain_training(job)
    assert outcome.ranks == 2
    assert outcome.memory_bytes > 1e8
    assert 0 <= outcome.data_wait_ratio < 1
    log = read_log(job.out)
    assert all(0 < line["grad_norm"] < 100 for line in log)  # with ZeRO 0 too
    assert outcome.tokens_per_s == pytest.approx(
        outcome.tokens / sum(line["step_s"] for line in log), rel=1e-3
    )


@pytest.mark.soak
def test_two_hosts_train_as_plain_training_does(two_hosts: TrainingJob) -> None:
    run_training(two_hosts)
    _equals_plain_training(two_hosts)
    output = (two_hosts.work / "ranks.log").read_text()
    assert "nnodes=2, num_local_procs=1, node_rank=1" in output


@pytest.mark.soak
@pytest.mark.parametrize("hosts", ["localhost slots=2\n", "localhost slots=1\n127.0.0.1 slots=1\n"])
def test_a_rank_that_is_killed_on_a_host_ends_those_on_others(
    two_hosts: TrainingJob, hosts: str
) -> None:
    Path(two_hosts.hostfile).write_text(hosts)
    job = two_hosts.model_copy(update={"epochs": 4000})
    with subprocess.Popen(*_elsewhere(job), stderr=subprocess.PIPE, text=True) as parent:
        family = _family(parent, job)
        os.kill(_rank(job, 1), signal.SIGKILL)
        told = parent.communicate(timeout=20)[1]
    assert f"{TrainError.__name__}: training in {job.out}: " in told
    assert "rank 1 ended first and told nothing (exit code " in told
    assert not psutil.wait_procs(family, timeout=10)[1]


@pytest.mark.soak
def test_ranks_on_hosts_end_when_their_parent_is_gone(two_hosts: TrainingJob) -> None:
    job = two_hosts.model_copy(update={"epochs": 40000})
    parent = subprocess.Popen(*_elsewhere(job), stderr=subprocess.DEVNULL)
    family = _family(parent, job)
    parent.kill()
    parent.wait()
    assert not psutil.wait_procs(family, timeout=LEASE_S + 30)[1]
    assert "the parent of this run is gone" in (job.work / "ranks.log").read_text()


def _equals_plain_training(job: TrainingJob) -> None:
    expected, losses = reference(job)
    assert [line["loss"] for line in read_log(job.out)] == pytest.approx(losses, rel=1e-4)
    for name, value in weights(job.out / "model").items():
        assert abs(value - expected[name]).max() <= 2e-5, name


def _elsewhere(job: TrainingJob) -> list[list[str]]:
    """Arguments of a process that runs the training."""
    start = (
        "import sys; from factory.train.launch import run_training as run;"
        "from factory.train.job import TrainingJob as Job;"
        "run(Job.model_validate_json(sys.argv[1]))"
    )
    return [["env", "-C", str(ROOT), sys.executable, "-c", start, job.model_dump_json()]]


def _family(
    parent: subprocess.Popen[str] | subprocess.Popen[bytes], job: TrainingJob
) -> list[psutil.Process]:
    """All processes of a training that has begun to learn."""
    while len(read_log(job.out)) < 3:
        assert parent.poll() is None
        time.sleep(0.1)
    return psutil.Process(parent.pid).children(recursive=True)


def _rank(job: TrainingJob, rank: int) -> int:
    return int(read_sign(job.work / "ranks" / str(rank)).split()[1])
