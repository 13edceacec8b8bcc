"""What owns a vLLM server on a node of a Ray cluster: an actor, and the server's keeper below it.

The server listens on the address by which Ray knows the node (loopback where the cluster is on
loopback) and answers `/v1` only to whoever has its key. The key reaches it by its environment, so
that it stands in no list of processes, and vLLM's log does not repeat it. It travels to the actor
and from the client to the server unencrypted: the cluster's network is trusted, as Ray's own is.

When the actor ends, in order or killed, the keeper ends the server; Ray ends the actors of a run
when the run is gone.
"""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ray

from factory.errors import ClusterError
from factory.generate.vllm_arguments import (
    Distribution,
    installed_vllm,
    server_command,
)
from factory.generate.vllm_environment import server_environment
from factory.generate.vllm_process import VllmProcess
from factory.models import Model
from schemas.machine import Vllm
from schemas.teacher_settings import VllmTeacher

_POLL_S: Final = 0.25


@dataclass(frozen=True)
class Order:
    """A server to be started; what one here is started with, and where it differs."""

    teacher: VllmTeacher
    vllm: Vllm
    """With one replica; on CPU with its threads."""
    model: Model
    log: Path
    """Absolute, on the file system that all nodes share."""
    key: str
    expected: Distribution
    """The vLLM of the machine that asks."""

    def __repr__(self) -> str:
        return f"Order({self.model.name}, {self.log})"  # the key is kept out of Ray's logs


@dataclass(frozen=True)
class Whereabouts:
    """Where a server is, and where its life begins in the log."""

    host: str
    port: int
    begins: int


class NodeServer:
    """One life of a server on the node where Ray has put this; its methods may run side by side."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process: VllmProcess | None = None
        self._lock = threading.Lock()

    def start(self) -> Whereabouts:
        """Start it; does not wait until it answers.

        Raises:
            ClusterError: Another vLLM is installed on this node, or it does not see the folder of
                the log.
            MissingDependency: No vLLM is.
        """
        order, host = self._order, _address_here()
        self._check(host)
        environment = server_environment(order.vllm, None, cpu=order.expected.cpu)
        command = server_command(order.teacher, order.vllm, order.model, cpu=order.expected.cpu)
        with self._lock:
            self._process = VllmProcess(
                command, {**environment, "VLLM_API_KEY": order.key}, order.log, host
            )
        return Whereabouts(host, self._process.port, self._process.begins)

    def ended(self) -> None:
        """Return when it is gone."""
        while True:
            with self._lock:  # no other thread may reap it meanwhile
                if self._process is None or self._process.has_ended():
                    return
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """End it at once; returns when it is gone."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End it in order; returns when it is gone."""
        with self._lock:
            if self._process is not None:
                self._process.release()
                self._process.wait()

    def _check(self, host: str) -> None:
        order = self._order
        if (found := installed_vllm()) != order.expected:
            raise ClusterError(
                f"node {host} ({socket.gethostname()}): expected vLLM {_named(order.expected)} as "
                f"on the machine that runs, found {_named(found)}; install the same Retort there"
            )
        if not order.log.parent.is_dir():
            raise ClusterError(
                f"node {host} ({socket.gethostname()}): expected the folder {order.log.parent} of "
                f"the run, found none; mount the shared file system at the same path there"
            )


def _address_here() -> str:
    """The address by which Ray knows this node."""
    here = ray.get_runtime_context().get_node_id()
    return next(one["NodeManagerAddress"] for one in ray.nodes() if one["NodeID"] == here)


def _named(distribution: Distribution) -> str:
    return f"{distribution.version} for {'CPU' if distribution.cpu else 'GPUs'}"
