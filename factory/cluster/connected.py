"""The connection of this process to Ray: one, made at first need, used until the process ends."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

from factory.cluster.alike import Alike
from factory.cluster.local_ray import LocalRay, on_loopback
from factory.cluster.nodes import Node
from factory.errors import ClusterError, MissingDependency
from factory.executor import Cluster
from schemas.machine import Ray

_REACH_S: Final = 10.0
"""For the head of a cluster to take a connection."""
_CONNECT_S: Final = 120.0
"""For Ray to start or to let us in."""


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


def named(settings: Ray) -> str:
    """The cluster as messages call it."""
    if not settings.address:
        return "the Ray of this machine"
    return f"the Ray cluster at {settings.address} (ray.address in the machine file)"


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
    if find_spec("ray") is None:
        raise MissingDependency(
            'executor = "ray" in the machine file: expected the package ray, found none; '
            "`pip install 'retort[ray]'`, on each node"
        )
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    logging.getLogger(ray.__name__).setLevel(logging.ERROR)  # after it has set its own level
    _made.append(_join(settings) if settings.address else _start(settings))
    atexit.register(disconnect)
    return _made[0]


_HOW: Final[dict[str, Any]] = {"log_to_driver": False, "configure_logging": False}


def _start(settings: Ray) -> _Connection:
    local, let_go = LocalRay(), threading.Event()
    try:
        _on_a_thread_that_stays(lambda: local.start(_HOW), let_go)
    except Exception as error:
        local.end()
        raise ClusterError(
            f"{named(settings)}: expected it to start, found {_short(error)}; "
            f'`ray start --head --block` shows more, or set executor = "processes"'
        ) from error
    return _Connection(settings, os.getpid(), local, let_go)


def _join(settings: Ray) -> _Connection:
    import ray

    host = _must_answer(settings)
    how = dict(_HOW)
    if host.startswith("127."):
        how["_node_ip_address"] = host  # else Ray takes this machine's address in the network

    def init() -> None:
        if host == "127.0.0.1":
            with on_loopback():
                ray.init(settings.address, **how)
        else:
            ray.init(settings.address, **how)

    let_go = threading.Event()
    try:
        _on_a_thread_that_stays(init, let_go)
    except Exception as error:
        ray.shutdown()
        raise ClusterError(
            f"{named(settings)}: expected it to let this machine in, found {_short(error)}; this "
            f"machine must be one of its nodes (`ray start --address=HOST:PORT`), with the same "
            f"Python and Ray, and RAY_AUTH_MODE=token with the same token where its head has one"
        ) from error
    return _Connection(settings, os.getpid(), None, let_go)


def _must_answer(settings: Ray) -> str:
    """The host of the address; empty for `auto`.

    Raises:
        ClusterError: It is no address, or nothing listens there.
    """
    if settings.address == "auto":
        return ""
    host, _, port = settings.address.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(
            f"ray.address in the machine file: expected HOST:PORT or auto, found "
            f"{settings.address!r}; `ray start --head` prints it"
        )
    try:
        socket.create_connection((host, int(port)), _REACH_S).close()
    except OSError as error:
        raise ClusterError(
            f"{named(settings)}: expected its head to answer, found nothing ({error}); start it "
            f"with `ray start --head`, or leave the address empty for a Ray of this machine"
        ) from error
    return host


def _on_a_thread_that_stays(call: Callable[[], None], let_go: threading.Event) -> None:
    """Have it done in a thread that lives until it is let go, or the process ends.

    Not in the main thread, where Ray would take over what SIGTERM does.
    """
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised by who waits for the outcome
            outcome.set_exception(error)
            return
        let_go.wait()

    threading.Thread(target=run, name="ray", daemon=True).start()
    outcome.result(_CONNECT_S)


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0][:300]
