"""The keeper: no server outlives the run that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from factory.generate import keeper

STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
OWNER = """
import subprocess, sys, time
process = subprocess.Popen(
    [sys.executable, "-I", sys.argv[1], sys.executable, "-c", sys.argv[2], sys.argv[3]],
    stdin=subprocess.PIPE,
)
time.sleep(600)
"""


def started(path: Path) -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if path.exists() and len(pids := path.read_text().split()) == 2:
            return [int(pid) for pid in pids]
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def all_gone(pids: list[int], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if all(gone(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def test_a_killed_owner_takes_a_stubborn_server_and_its_children_along(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, keeper.__file__, STUBBORN, str(note)])
    pids = started(note)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    assert all_gone(pids, within_s=20)


def test_closing_its_input_ends_the_server_and_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    command = [sys.executable, "-I", keeper.__file__, sys.executable, "-c", STUBBORN, str(note)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        pids = started(note)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
    assert all(gone(pid) for pid in pids)


def test_its_exit_status_is_that_of_the_server() -> None:
    command = [sys.executable, "-I", keeper.__file__, sys.executable, "-c", "raise SystemExit(7)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(20) == 7


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_killed_keeper_takes_the_server_and_its_children_along(
    tmp_path: Path, which: str
) -> None:
    note = tmp_path / "pids"
    command = [sys.executable, "-I", keeper.__file__, sys.executable, "-c", STUBBORN, str(note)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        server, child = started(note)
        second = psutil.Process(server).ppid()
        assert psutil.Process(second).ppid() == process.pid
        os.kill(process.pid if which == "first" else second, signal.SIGKILL)
        assert all_gone([server, child, second], within_s=20)
        assert process.wait(20) != 0
        assert keeper.session_members(process.pid) == []


def test_of_a_keeper_killed_as_a_whole_the_children_can_be_found(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    command = [sys.executable, "-I", keeper.__file__, sys.executable, "-c", STUBBORN, str(note)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        server, child = started(note)
        second = psutil.Process(psutil.Process(server).ppid())
        second.suspend()
        process.kill()
        second.kill()
        assert all_gone([server], within_s=20)
        assert keeper.session_members(process.pid) == [child]
        os.kill(child, signal.SIGKILL)
        assert all_gone([child], within_s=20)
        assert keeper.session_members(process.pid) == []
