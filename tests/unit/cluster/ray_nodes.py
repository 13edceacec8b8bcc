"""Ray nodes for tests: several on this machine, on loopback, each with daemons of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from factory.cluster.connected import disconnect
from factory.cluster.local_ray import on_loopback
from factory.executor import Cluster
from schemas.machine import Ray, Sandbox

_QUICK: dict[str, Any] = {
    # A node that was killed is found dead in two seconds instead of in twenty.
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 4,
    # Nor are workers killed for the memory that other processes of this machine use.
    "memory_monitor_refresh_ms": 0,
}
_SETTINGS: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


class Nodes:
    """A cluster of nodes with one core each; its head has no Docker."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        make_address_folder()
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        with on_loopback():
            self._cluster: Any = RayCluster(
                initialize_head=True,
                head_node_args={
                    **_SETTINGS,
                    "node_ip_address": "127.0.0.1",
                    "include_dashboard": False,
                    "temp_dir": str(folder),
                    "env_vars": {"DOCKER_HOST": "unix:///nowhere"},
                    "_system_config": _QUICK,
                },
            )
        self.address: str = self._cluster.address
        self.joined: list[Any] = []

    def join(self, **settings: Any) -> None:
        """One more node, the last of `joined`; arguments of Ray's `RayParams`."""
        with on_loopback():
            node = self._cluster.add_node(
                **{**_SETTINGS, "node_ip_address": "127.0.0.1", **settings}
            )
        self.joined.append(node)

    def kill(self, node: Any) -> None:
        """SIGKILL to all processes of a node, as when its machine loses power."""
        raylet = psutil.Process(raylet_pid(node))
        processes = [*raylet.children(recursive=True), raylet]
        for one in processes:
            one.kill()
        psutil.wait_procs(processes, timeout=30)

    def end(self) -> None:
        """End all nodes."""
        self._cluster.shutdown()

    def cluster(self, folder: Path, **settings: Any) -> Cluster:
        """What a machine file says of it."""
        return Cluster(Ray(address=self.address, **settings), folder, Sandbox())


def make_address_folder() -> None:
    """Make the folder where a head writes its address, wherever its own files are; Ray makes it
    only where it puts these there too."""
    from ray._common.utils import get_default_ray_temp_dir

    Path(get_default_ray_temp_dir()).mkdir(parents=True, exist_ok=True)


def raylet_pid(node: Any) -> int:
    """The process that is the node."""
    return node.all_processes["raylet"][0].process.pid


@contextmanager
def some_nodes() -> Generator[Nodes]:
    """A cluster with its head alone; this process's connection to it ends with it.

    Its folder has a short name: the paths of Ray's sockets end at 107 bytes.
    """
    with TemporaryDirectory(prefix="ray-") as folder:
        nodes = Nodes(Path(folder))
        try:
            yield nodes
        finally:
            disconnect()
            nodes.end()


def wait_for(ready: Any, timeout_s: float = 60) -> None:
    """Return when something holds."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, "it never came to the point"
        time.sleep(0.02)
