"""How this process gets to Ray: it starts one, or joins a cluster that is there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib.util import find_spec
from typing import Any, Final

from factory.cluster.local_ray import LocalRay, on_loopback
from factory.errors import ClusterError, MissingDependency
from schemas.machine import Ray

_REACH_S: Final = 10.0
"""For the head of a cluster to take a connection."""
_CONNECT_S: Final = 120.0
"""For Ray to start or to let us in."""
_HOW: Final[dict[str, Any]] = {"log_to_driver": False, "configure_logging": False}


def must_be_installed() -> None:
    """Raise where no Ray is installed.

    Raises:
        MissingDependency: With the command that installs it.
    """
    if find_spec("ray") is None:
        raise MissingDependency(
            'executor = "ray" in the machine file: expected the package ray, found none; '
            "`pip install 'retort[ray]'`, on each node"
        )


def named(settings: Ray) -> str:
    """The cluster as messages call it."""
    if not settings.address:
        return "the Ray of this machine"
    return f"the Ray cluster at {settings.address} (ray.address in the machine file)"


def start(settings: Ray, let_go: threading.Event) -> LocalRay:
    """Start a Ray of this machine for the run.

    Args:
        let_go: Ends the thread to which the connection belongs.

    Raises:
        ClusterError: It does not start.
    """
    local = LocalRay()
    try:
        _on_a_thread_that_stays(lambda: local.start(_HOW), let_go)
    except Exception as error:
        local.end()
        raise ClusterError(
            f"{named(settings)}: expected it to start, found {_short(error)}; "
            f'`ray start --head --block` shows more, or set executor = "processes"'
        ) from error
    return local


def join(settings: Ray, let_go: threading.Event) -> None:
    """Connect to the cluster at an address. Arguments as `start`.

    Raises:
        ClusterError: It is no address, nothing answers there, or it does not let us in.
    """
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

    try:
        _on_a_thread_that_stays(init, let_go)
    except Exception as error:
        ray.shutdown()
        raise ClusterError(
            f"{named(settings)}: expected it to let this machine in, found {_short(error)}; this "
            f"machine must be one of its nodes (`ray start --address=HOST:PORT`), with the same "
            f"Python and Ray, and RAY_AUTH_MODE=token with the same token where its head has one"
        ) from error


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
