"""vLLM servers on nodes of a Ray cluster: room is set aside for all, then each is an actor.

All replicas get their room together, so that two runs never wait for each other's half. The room
stays theirs until the stage ends, also while a server is started again; where its node died, Ray
sets room aside on another one as soon as there is some.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import ray
from ray.exceptions import RayError
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from factory.cluster.connected import nodes_alike
from factory.cluster.nodes import alive_nodes, shown
from factory.errors import ClusterError
from factory.executor import Cluster
from factory.generate.placed_process import NodeServer, Order
from factory.generate.placed_room import (
    fitting,
    room_wanted,
    taken_by_each,
    threads_each,
)
from factory.generate.placed_server import PlacedServer
from factory.generate.vllm_arguments import Distribution
from factory.models import Model
from schemas.machine import Vllm
from schemas.teacher_settings import VllmTeacher

_SIDE_BY_SIDE: Final = 4
"""Methods of an actor that run at a time: one waits for the server's end."""
_KEY_BYTES: Final = 24


class Places:
    """Room for the replicas of one stage, and the servers in it; a context manager.

    Args:
        here: The vLLM of this machine, which every node must have too.

    Raises:
        ClusterError: A node is not like this machine, or there is not room for all of them within
            `node_wait_s`.
    """

    def __init__(
        self, teacher: VllmTeacher, vllm: Vllm, model: Model, here: Distribution, cluster: Cluster
    ) -> None:
        self.key: Final = secrets.token_urlsafe(_KEY_BYTES)
        self._vllm = vllm
        self._cluster = cluster
        self._order = Order(teacher, vllm, model, Path(), self.key, expected=here)
        self._each: dict[str, float] = {}
        self._group: Any = None
        self._servers: list[PlacedServer] = []

    def __enter__(self) -> Places:
        nodes = nodes_alike(self._cluster)
        cpu = self._order.expected.cpu
        threads = threads_each(self._vllm, nodes)
        self._each = taken_by_each(self._vllm, threads, cpu=cpu)
        own: dict[str, Any] = {"replicas": 1, "cpu_threads": threads if cpu else None}
        self._order = replace(self._order, vllm=self._vllm.model_copy(update=own))
        self._group = placement_group([self._each] * self._vllm.replicas, strategy="SPREAD")
        try:
            if not self._group.wait(self._cluster.settings.node_wait_s):
                raise self._no_room()
        except BaseException:
            self._give_back()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._give_back()

    def start(self, number: int, log: Path) -> PlacedServer:
        """Start a server in the room of this number."""
        order = replace(self._order, log=log.absolute())
        server = PlacedServer(lambda: self._actor(number, order), order.log, self._must_have_room)
        self._servers.append(server)
        return server

    def _must_have_room(self, waited_s: float) -> None:
        """Return while it is worth waiting: where others answer, for as long as they do.

        Raises:
            ClusterError: All servers have lost their nodes, and none has come within `node_wait_s`.
        """
        if waited_s > self._cluster.settings.node_wait_s and all(
            one.waits_for_room for one in self._servers
        ):
            raise self._no_room()

    def _no_room(self) -> ClusterError:
        """Why there are fewer servers than wanted."""
        nodes = alive_nodes()
        there = fitting(self._each, nodes)
        others = ", which others use" if there >= self._vllm.replicas else f", enough for {there}"
        within_s = self._cluster.settings.node_wait_s
        wanted = room_wanted(self._vllm.replicas, self._each)
        return ClusterError(
            f"vllm.replicas on the Ray cluster: expected {wanted} within {within_s:.0f} s, found "
            f"{shown(nodes)}{others}; lower vllm.replicas or the sizes of a "
            f"replica in the machine file, add nodes, or raise ray.node_wait_s"
        )

    def _actor(self, number: int, order: Order) -> Any:
        nodes_alike(self._cluster)  # those that have come since
        remote: Any = ray.remote(NodeServer)
        return remote.options(
            num_cpus=self._each["CPU"],
            num_gpus=self._each.get("GPU", 0.0),
            max_concurrency=_SIDE_BY_SIDE,
            scheduling_strategy=PlacementGroupSchedulingStrategy(
                self._group, placement_group_bundle_index=number
            ),
        ).remote(order)

    def _give_back(self) -> None:
        with suppress(RayError):
            remove_placement_group(self._group)
