"""factory.cluster.connected: what is said where nothing answers, and what a killed run leaves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from factory.cluster.connected import connect
from factory.cluster.left_behind import end, identity
from factory.errors import ClusterError
from schemas.machine import Ray

WITHOUT_RAY = """
import sys
from importlib.machinery import PathFinder
class Hidden(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "ray" else super().find_spec(name, path, target)
sys.meta_path = [Hidden if one is PathFinder else one for one in sys.meta_path]
from factory.executor import executor_of
from schemas.machine import Machine
try:
    executor_of(Machine(executor="ray"))
except Exception as error:
    print(type(error).__name__, error)
"""

STARTS_RAY = """
import sys, time, operator
from pathlib import Path
from factory.executor import executor_of
from factory.parts import map_parts
from schemas.machine import Machine, Paths
executor = executor_of(Machine(executor="ray", paths=Paths(artifacts=sys.argv[1])))
results = map_parts(operator.neg, range(100_000_000), executor=executor)
next(results)
print("ready", flush=True)
for _ in results:
    time.sleep(0.01)
"""

JOINS = """
import sys
from factory.cluster import connected, joined
from factory.errors import ClusterError
from schemas.machine import Ray
joined._CONNECT_S = 2.0
try:
    connected.connect(Ray(address=sys.argv[1]))
except ClusterError as error:
    print(error)
"""

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")


@needs_ray
def test_an_address_where_nothing_answers_is_named_with_its_remedy() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(ClusterError, match=rf"at {address} .*start it with `ray start --head`"):
            connect(Ray(address=address))


@needs_ray
@pytest.mark.parametrize("address", ["grader-1", "grader-1:ray", ":6379"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="expected HOST:PORT or auto"):
        connect(Ray(address=address))


@needs_ray
def test_something_that_is_no_ray_is_refused_in_time() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        done = subprocess.run(  # of its own: Ray goes on to try for as long as it lives
            [sys.executable, "-c", JOINS, address], capture_output=True, text=True, check=True
        )
    assert f"the Ray cluster at {address}" in done.stdout
    assert "expected it to let this machine in" in done.stdout


def test_without_ray_the_extra_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RAY], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith('MissingDependency executor = "ray" in the machine file')
    assert "pip install 'retort[ray]'" in done.stdout


def test_the_front_loads_no_ray() -> None:
    program = "import sys, pipelines, retort.command; print('ray' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_only_the_processes_that_are_meant_are_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        mine = identity(process.pid)
        pid, _, started = mine.partition(":")
        end([f"{pid}:{int(started) + 1}"])  # another process that had this id
        assert process.poll() is None
        end([mine])
        assert process.wait(30) == -signal.SIGKILL
        assert identity(process.pid) == ""


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_a_run_that_is_ended_leaves_nothing_of_its_ray(tmp_path: Path, how: signal.Signals) -> None:
    place = tmp_path / "tmp"
    if len(str(place)) > 40:
        place = Path(tempfile.mkdtemp(prefix="r"))
    place.mkdir(exist_ok=True)
    home = tmp_path / "home"
    home.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_RAY, str(tmp_path / "artifacts")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(place), "HOME": str(home)},
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        family = psutil.Process(run.pid).children(recursive=True)
        assert {"gcs_server", "raylet"} <= {one.name() for one in family}
        run.send_signal(how)
        run.wait(60)
        _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert list(place.iterdir()) == list(home.iterdir()) == []
    place.rmdir()
