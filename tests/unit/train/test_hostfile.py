from __future__ import annotations

from pathlib import Path

import pytest

from factory.errors import MissingDependency, RecipeError
from factory.train.hostfile import read_hostfile
from factory.train.hosts import hosts_environment, runner_command
from factory.train.pulse import LEASE
from tests.unit.train.jobs import make_job


def _written(folder: Path, text: str) -> str:
    path = folder / "hosts"
    path.write_text(text)
    return str(path)


def test_hosts_come_in_the_order_of_the_file_without_comments(tmp_path: Path) -> None:
    path = _written(tmp_path, "# two\nb.example  slots=8\n\n  a slots=2 # old\n")
    assert list(read_hostfile(path).items()) == [("b.example", 8), ("a", 2)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a slots=2\nb\n", "line 2: expected `HOST slots=RANKS`, each host once, found 'b'"),
        ("a slots=0\n", "found 'a slots=0'"),
        ("a slots=2 max=3\n", "found 'a slots=2 max=3'"),
        ("a slots=2\na slots=1\n", "line 2: .* each host once"),
        ("# nobody\n", "found no host"),
    ],
)
def test_a_hostfile_that_is_not_one_is_refused_by_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(RecipeError, match=expected):
        read_hostfile(_written(tmp_path, text))


def test_a_hostfile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_hostfile(str(tmp_path / "none"))


def test_this_host_alone_needs_no_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    hostfile = _written(tmp_path, "localhost slots=2\n")
    command = runner_command(make_job(tmp_path, tmp_path, tmp_path, hostfile=hostfile))
    assert command[:6] == [
        *("--hostfile", hostfile, "--no_local_rank", "--module"),
        *("--no_ssh_check", "--master_addr"),
    ]
    assert "--force_multi" not in command


def test_other_hosts_are_reached_by_pdsh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostfile = _written(tmp_path, "far.example slots=2\n")
    job = make_job(tmp_path, tmp_path, tmp_path, hostfile=hostfile)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="expected the program pdsh"):
        runner_command(job)
    (tmp_path / "pdsh").touch(mode=0o755)
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.7")
    monkeypatch.setenv("MASTER_PORT", "29611")
    assert runner_command(job) == [
        *("--hostfile", hostfile, "--no_local_rank", "--module", "--force_multi"),
        *("--master_addr", "10.0.0.7", "--master_port", "29611"),
    ]


def test_the_ranks_get_what_they_need_of_the_environment_and_no_secret(tmp_path: Path) -> None:
    job = make_job(tmp_path, tmp_path, tmp_path, hostfile="hosts")
    job.work.mkdir()
    given = {"NCCL_DEBUG": "INFO", "DS_ACCELERATOR": "cpu", "HF_TOKEN": "secret", "HOME": "/h"}
    found = hosts_environment(job, given, "run7")
    assert found.items() >= {**given, LEASE: "run7"}.items()
    lines = Path(found["DS_ENV_FILE"]).read_text().splitlines()
    assert lines[:3] == ["DS_ACCELERATOR=cpu", "NCCL_DEBUG=INFO", f"{LEASE}=run7"]
    assert not any("secret" in line for line in lines)
