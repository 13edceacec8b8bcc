"""map_parts on several nodes: who joins works, who dies loses nothing, who is unlike is refused.

One cluster for all, in the order of the tests: a head without Docker, then two nodes that join.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from factory.errors import ClusterError, SandboxUnavailable
from factory.executor import Executor
from factory.parts import map_parts
from factory.recipe_file import ROOT
from schemas.machine import Ray
from tests.unit.cluster.cluster_work import Counting, EngineGone, Slow, even, square
from tests.unit.cluster.ray_nodes import Nodes, some_nodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]

CORES = """
import sys
from pathlib import Path
from factory.cluster.connected import cluster_cores
from factory.errors import ClusterError
from factory.executor import Cluster
from schemas.machine import Ray, Sandbox
try:
    print(cluster_cores(Cluster(Ray(address=sys.argv[1]), Path(sys.argv[2]), Sandbox())))
except ClusterError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with some_nodes() as nodes:
        yield nodes


def test_no_docker_on_any_node_names_what_each_lacks(nodes: Nodes, tmp_path: Path) -> None:
    executor = Executor(1, nodes.cluster(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"none: 127\.0\.0\.1 \(.*an engine that"):
        list(map_parts(square, range(9), executor=executor, in_sandbox=even))


def test_a_node_that_joins_gets_work(nodes: Nodes, tmp_path: Path) -> None:
    work = Slow(tmp_path)
    executor = Executor(2, nodes.cluster(tmp_path), grows=True)
    results = map_parts(work, iter(range(9999)), executor=executor)
    found = [next(results)]
    nodes.join()
    while len(work.pids("begun")) < 2:
        found.append(next(results))
    results.close()  # type: ignore[attr-defined]
    assert all(position == item for position, (item, _) in found)
    assert len(work.pids("opened")) == 2
    assert work.pids("closed") == work.pids("opened")


def test_programs_go_only_where_docker_is(nodes: Nodes, tmp_path: Path) -> None:
    work = Counting(tmp_path)
    executor = Executor(2, nodes.cluster(tmp_path))
    found = dict(map_parts(work, range(60), executor=executor, in_sandbox=even))
    assert [found[number][0] for number in range(60)] == list(range(60))
    assert len({process for item, process in found.values() if even(item)}) == 1
    assert work.pids("closed") == work.pids("opened")


def test_programs_of_a_node_whose_engine_goes_away_go_to_another_one(
    nodes: Nodes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nodes.join()
    work = EngineGone(tmp_path)
    executor = Executor(3, nodes.cluster(tmp_path))
    found = dict(map_parts(work, range(40), executor=executor, in_sandbox=even))
    assert [found[number][0] for number in range(40)] == list(range(40))
    first = int((tmp_path / "gone").read_text())
    assert first not in {process for _, process in found.values()}
    assert capfd.readouterr().err.count("is given no more programs: the engine went away") == 1
    assert work.pids("closed") == work.pids("opened")


def test_a_node_that_dies_loses_nothing(nodes: Nodes, tmp_path: Path) -> None:
    work = Slow(tmp_path)
    results = map_parts(work, range(200), executor=Executor(3, nodes.cluster(tmp_path)))
    found = [next(results)]
    while len(work.pids("begun")) < 3:
        found.append(next(results))
    nodes.kill(nodes.joined.pop())
    found += results
    assert sorted(position for position, _ in found) == list(range(200))
    assert all(position == item for position, (item, _) in found)
    assert len(work.pids("opened") - work.pids("closed")) == 1


def test_cores_that_others_use_are_waited_for_and_then_said_to_be(
    nodes: Nodes, tmp_path: Path
) -> None:
    import ray

    holder: Any = ray.remote(num_cpus=1)(Counting)
    held = [holder.remote(Path()) for _ in range(2)]
    ray.get([one.pids.remote("opened") for one in held])
    executor = Executor(2, nodes.cluster(tmp_path, node_wait_s=2.0))
    with pytest.raises(ClusterError, match=r"within 2 s, found .*whose cores others use"):
        list(map_parts(square, range(9), executor=executor))


def test_another_cluster_in_the_same_process_is_refused(nodes: Nodes) -> None:
    from factory.cluster.connected import connect

    with pytest.raises(ClusterError, match="expected one cluster for a process"):
        connect(Ray())


def test_a_node_with_another_retort_is_refused_with_both_places(
    nodes: Nodes, tmp_path: Path
) -> None:
    for package in ("factory", "schemas", "sandboxes"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package)
    with open(tmp_path / "other" / "factory" / "digest.py", "a") as file:
        file.write("\n# another version\n")
    nodes.join(env_vars={"PYTHONPATH": str(tmp_path / "other")})
    done = subprocess.run(  # a driver elsewhere: workers look for modules in its folder, too
        [sys.executable, "-c", CORES, nodes.address, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "node 127.0.0.1 (" in done.stdout
    assert f"found others in {tmp_path}/other" in done.stdout
    assert "install the same Retort there" in done.stdout
