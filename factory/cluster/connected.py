"""The connection of this process to Ray: one, made at first need, used until the process ends."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from dataclasses import dataclass, field

from factory.cluster.alike import Alike
from factory.cluster.joined import join, must_be_installed, named, start
from factory.cluster.local_ray import LocalRay
from factory.cluster.nodes import Node
from factory.errors import ClusterError
from factory.executor import Cluster
from schemas.machine import Ray


@dataclass
class _Connection:
    settings: Ray
    pid: int
    local: LocalRay | None
    let_go: threading.Event
    alike: Alike = field(default_factory=Alike)


_made: list[_Connection] = []  # none or one


def connect(settings: Ray) -> None:
    """Return when this process is connected: to the cluster named, or to a Ray of its own.

    Raises:
        ClusterError: Nothing answers at the address, or Ray does not start here.
        MissingDependency: No Ray is installed.
    """
    _connection(settings)


def cluster_cores(cluster: Cluster) -> int:
    """Cores of all nodes of the cluster, after each has been looked at.

    Raises:
        ClusterError: As `connect`; a node is not like this machine; no node has cores to give.
        MissingDependency: No Ray is installed.
    """
    cores = sum(node.cores for node in nodes_alike(cluster))
    if cores == 0:
        raise ClusterError(
            f"{named(cluster.settings)}: expected nodes with cores to give, found none; start "
            f"nodes with `ray start --address=… --num-cpus=…`"
        )
    return cores


def nodes_alike(cluster: Cluster) -> list[Node]:
    """The nodes that are alive and like this machine; each is looked at once, when it is new.

    Raises:
        ClusterError: As `connect`, or a node is not like this machine.
        MissingDependency: No Ray is installed.
    """
    return _connection(cluster.settings).alike.nodes(cluster.folder)


def disconnect() -> None:
    """End the connection, and the local Ray where there is one; nothing where there is none."""
    if not _made:
        return
    import ray

    connection = _made.pop()
    if connection.pid != os.getpid():
        return  # of the process that this one was forked from
    ray.shutdown()
    connection.let_go.set()
    if connection.local is not None:
        connection.local.end()


def _connection(settings: Ray) -> _Connection:
    if _made:
        made = _made[0]
        if made.pid != os.getpid():
            raise ClusterError(
                f"{named(settings)}: expected a process that connects by itself, found one that "
                f"was forked from process {made.pid}, which is connected; start it anew"
            )
        if made.settings.address == settings.address:
            return made
        raise ClusterError(
            f"{named(settings)}: expected one cluster for a process, found it connected to "
            f"{named(made.settings)}; run them one after the other, in processes of their own"
        )
    must_be_installed()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    logging.getLogger(ray.__name__).setLevel(logging.ERROR)  # after it has set its own level
    let_go = threading.Event()
    local = None
    if settings.address:
        join(settings, let_go)
    else:
        local = start(settings, let_go)
    _made.append(_Connection(settings, os.getpid(), local, let_go))
    atexit.register(disconnect)
    return _made[0]
