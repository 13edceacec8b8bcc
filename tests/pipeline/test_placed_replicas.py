"""Real vLLM servers that Ray places on two nodes, which are both this machine at two addresses."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from factory.cluster.checked import check_cluster
from factory.cluster.connected import disconnect
from factory.errors import ClusterError
from factory.executor import Cluster
from factory.generate.stage import generate_candidates
from factory.generate.vllm_server import VllmServers
from factory.models import resolve_model
from factory.parts import read_part
from factory.recipe_file import ROOT
from schemas.arrow import CANDIDATE
from schemas.generate_settings import Generate, Sampling
from schemas.machine import Endpoints, Machine, Ray, Sandbox, Vllm
from schemas.teacher_settings import VllmTeacher
from tests.unit.cluster.ray_nodes import make_address_folder
from tests.unit.generate.problems_artifact import problem, problems_folder

HEAD, OTHER = "127.0.0.2", "127.0.0.3"
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
TEACHER = VllmTeacher(engine="vllm", model="embedded:teacher", max_model_len=512, dtype="float32")
GENERATE = Generate(teacher=TEACHER, candidates=8, sampling=Sampling(max_tokens=200))
TWO = Vllm(replicas=2, cpu_threads=1, max_num_seqs=8)
RUN = """
import sys, time
from pathlib import Path
from tests.pipeline.test_placed_replicas import Ray, placed
with placed(Path(sys.argv[1]), Ray(address=sys.argv[2])):
    print("ready", flush=True)
    time.sleep(600)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed"),
]


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes with one core each."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="placed-") as folder:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")  # others may have this machine's memory
        from ray import cluster_utils

        make_address_folder()
        head = {"node_ip_address": HEAD, "include_dashboard": False, "temp_dir": folder}
        cluster: Any = cluster_utils.Cluster(initialize_head=True, head_node_args={**NODE, **head})
        cluster.add_node(**NODE, node_ip_address=OTHER)
        yield cluster
        disconnect()
        cluster.shutdown()


def placed(folder: Path, ray: Ray, vllm: Vllm = TWO) -> VllmServers:
    cluster = Cluster(ray, folder, Sandbox())
    model = resolve_model(TEACHER.model)
    return VllmServers(TEACHER, vllm, model, folder / "logs", cluster=cluster)


def drawn(folder: Path, machine: Machine, servers: VllmServers | None = None) -> list[Any]:
    """Candidates of ten problems without what no two runs have in common."""
    result = generate_candidates(
        problems_folder(folder / "problems", [problem(number) for number in range(20, 30)]),
        [],
        GENERATE,
        round=1,
        seed=3,
        machine=machine,
        store=folder / "store.sqlite",
        out_dir=folder / "out",
        key="k",
        servers=servers,
    )
    assert result.ledger.drops == {}
    rows = [
        row
        for part in result.parts
        for row in read_part(folder / "out", part, CANDIDATE).to_pylist()
    ]
    assert len(rows) == 80
    return [{**row, "server": "", "created_unix_s": 0.0, "wall_s": 0.0} for row in rows]


def servers_of_vllm() -> list[psutil.Process]:
    """Those at addresses of the nodes, without their keepers; others may serve on 127.0.0.1."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            here = "127.0.0.1" not in command and "-I" not in command
            if here and "vllm.entrypoints.openai.api_server" in command:
                found.append(process)
    return found


def orphaned_engines() -> list[psutil.Process]:
    """Engines of vLLM whose server is gone."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            parent = process.parent()
            if "EngineCore" in process.name() and (
                parent is None or "vllm.entrypoints.openai.api_server" not in parent.cmdline()
            ):
                found.append(process)
    return found


def until(true: Callable[[], bool], within_s: float = 90) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.1)


def status(url: str, key: str | None) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_candidates_are_those_of_a_server_here_and_only_we_may_ask(
    tmp_path: Path, two_nodes: Any
) -> None:
    one_request = Endpoints(candidates_per_request=8)
    machine = Machine(
        executor="ray",
        ray=Ray(address=two_nodes.address, place_vllm=True),
        vllm=TWO,
        teacher=one_request,
    )
    before = len(servers_of_vllm())
    with placed(tmp_path, machine.ray) as running:
        urls, key = running.base_urls(), running.key
        there = drawn(tmp_path / "there", machine, running)
        commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        assert sorted(url.split(":")[1] for url in urls) == [f"//{HEAD}", f"//{OTHER}"]
        assert key is not None
        assert {status(f"{url}/models", None) for url in urls} == {401}
        assert {status(f"{url}/models", "x" * len(key)) for url in urls} == {401}
        assert {status(f"{url}/models", key) for url in urls} == {200}
    assert len(servers_of_vllm()) == before
    assert not any(key in word for command in commands for word in command)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "vllm-1.log" for path in written)
    assert not any(key.encode() in path.read_bytes() for path in written)
    with sqlite3.connect(tmp_path / "there" / "store.sqlite") as store:
        assert not any(key in line for line in store.iterdump())

    here = Machine(vllm=Vllm(cpu_threads=1, max_num_seqs=8), teacher=one_request)
    assert there == drawn(tmp_path / "here", here)


def test_too_little_room_says_what_is_wanted_and_what_is_there(
    tmp_path: Path, two_nodes: Any
) -> None:
    cluster = Ray(address=two_nodes.address, node_wait_s=1.0)
    with pytest.raises(ClusterError) as error, placed(tmp_path, cluster, Vllm(cpu_threads=2)):
        pass
    said = str(error.value)
    assert "expected room for 1 replica of 2 cores each within 1 s, found 127.0.0." in said
    assert " with 1 core; 127.0.0." in said
    assert "enough for 0; lower vllm.replicas" in said


def test_a_cluster_is_looked_at_before_a_run_without_a_connection_of_this_process(
    tmp_path: Path, two_nodes: Any
) -> None:
    nodes = check_cluster(Cluster(Ray(address=two_nodes.address), tmp_path, Sandbox()))
    assert [node.cores for node in nodes] == [1, 1]
    assert [node.name.split()[0] for node in nodes] == [HEAD, OTHER]


@pytest.mark.soak
def test_a_killed_server_and_one_whose_node_dies_come_back_where_there_is_room(
    tmp_path: Path, two_nodes: Any
) -> None:
    cluster = Ray(address=two_nodes.address, place_vllm=True)
    doomed = two_nodes.add_node(**NODE, node_ip_address="127.0.0.4")
    three = Vllm(replicas=3, cpu_threads=1, max_num_seqs=8)
    with placed(tmp_path, cluster, three) as running:
        first = running.base_urls()
        servers_of_vllm()[0].kill()
        until(lambda: running.base_urls() != first and all_answer(running))
        second = running.base_urls()
        assert len(set(first) & set(second)) == 2

        (lost,) = [number for number, url in enumerate(second) if "127.0.0.4" in url]
        two_nodes.remove_node(doomed, allow_graceful=False)
        machine = Machine(executor="ray", ray=cluster, vllm=three)
        drawn(tmp_path / "meanwhile", machine, running)
        assert running.base_urls() == second

        late = two_nodes.add_node(**NODE, node_ip_address="127.0.0.5")
        until(lambda: running.base_urls() != second and all_answer(running))
        third = running.base_urls()
        assert "127.0.0.5" in third[lost]
        assert third[:lost] + third[lost + 1 :] == second[:lost] + second[lost + 1 :]
    two_nodes.remove_node(late)
    assert servers_of_vllm() == []
    until(lambda: orphaned_engines() == [])


@pytest.mark.soak
def test_no_node_left_is_an_error_after_a_while(tmp_path: Path, two_nodes: Any) -> None:
    doomed = two_nodes.add_node(num_gpus=0, num_cpus=3, node_ip_address="127.0.0.4")
    only = Vllm(cpu_threads=3, max_num_seqs=8)
    with placed(tmp_path, Ray(address=two_nodes.address, node_wait_s=3.0), only) as running:
        two_nodes.remove_node(doomed, allow_graceful=False)
        with pytest.raises(ClusterError, match="expected room for 1 replica of 3 cores each"):
            drawn(tmp_path / "draw", Machine(vllm=only), running)
    until(lambda: orphaned_engines() == [])


@pytest.mark.soak
def test_servers_end_with_a_run_that_is_killed(tmp_path: Path, two_nodes: Any) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path), two_nodes.address]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert b"ready\n" in iter(run.stdout.readline, b"")
        assert len(servers_of_vllm()) == 2
        run.send_signal(signal.SIGKILL)
    until(lambda: servers_of_vllm() == [] and orphaned_engines() == [])


def all_answer(running: VllmServers) -> bool:
    """Whether all servers answer at their addresses of now."""
    try:
        return {status(f"{url}/models", running.key) for url in running.base_urls()} == {200}
    except OSError:
        return False
