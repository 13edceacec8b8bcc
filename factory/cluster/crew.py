"""The workers of one `map_parts` on the nodes of the cluster: started, given tasks, lost, ended."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import ray
from ray.exceptions import RayError

from factory.backlog import Kind, Task
from factory.cluster.connected import nodes_alike
from factory.cluster.node_worker import NodeWorker, Surroundings
from factory.cluster.nodes import Node, pinned
from factory.cluster.worker import Died, Done, FailedStarts, Worker
from factory.executor import Cluster

_AHEAD: Final = 2
"""Tasks per worker that wait at a time."""
_LOOK_S: Final = 2.0
"""Between two looks for nodes that have joined."""
_WAIT_S: Final = 1.0
_CLOSE_S: Final = 30.0
"""For workers to leave the work; then they are killed."""
_SHOWN_CHARS: Final = 200
_PASSED_ON: Final = ("RETORT_DATA", "RETORT_PROGRESS")
"""Variables of the environment that the work may read."""


class Crew:
    """Workers for all items: one CPU each, and one on each node with Docker for those in sandboxes.

    Args:
        frozen: The work, pickled.
        most: Workers without a sandbox at most; None: as many as the nodes have cores.
    """

    def __init__(self, frozen: bytes, most: int | None, cluster: Cluster) -> None:
        self._cluster = cluster
        self._most = most
        self.nodes: list[Node] = nodes_alike(cluster)
        self._looked_s = time.monotonic()
        self._frozen = ray.put(frozen)
        around = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._surroundings = Surroundings(Path.cwd(), around)
        self._actor: Any = ray.remote(NodeWorker)
        self.workers: list[Worker] = []
        self.lacks: dict[str, str] = {}
        """Id of a node -> why it runs no programs."""
        self.failed_starts: dict[str, FailedStarts] = {}
        """Id of a node -> what happened there since a worker last started well."""

    # ------------------------------------------------------------------------------------- who

    def look(self) -> None:
        """See which nodes there are, if the last look is a while ago.

        Raises:
            ClusterError: One that has joined is not like this machine.
        """
        if time.monotonic() - self._looked_s > _LOOK_S:
            self.nodes = nodes_alike(self._cluster)
            self._looked_s = time.monotonic()

    def top_up(self, kind: Kind, wanted: int) -> None:
        """Start workers of a kind where there are fewer than can be used.

        Args:
            wanted: Tasks that there are for them.
        """
        if kind is Kind.SANDBOX:
            taken = {one.node.id for one in self.of(kind)}
            for node in self._usable():
                if node.id not in taken and node.id not in self.lacks:
                    self._start(node, kind)
            return
        room = {node: node.cores for node in self._usable()}
        for one in self.of(kind):
            if one.node in room:
                room[one.node] -= 1
        cores = sum(room.values()) + len(self.of(kind))
        most = cores if self._most is None else min(self._most, cores)
        for _ in range(min(most, wanted) - len(self.of(kind))):
            node = max(room, key=lambda one: room[one])
            if room[node] <= 0:
                return
            room[node] -= 1
            self._start(node, kind)

    def of(self, kind: Kind) -> list[Worker]:
        """The workers of a kind."""
        return [one for one in self.workers if one.kind is kind]

    def _usable(self) -> list[Node]:
        failed = self.failed_starts
        return [node for node in self.nodes if node.id not in failed or not failed[node.id].rests]

    def _start(self, node: Node, kind: Kind) -> None:
        sandbox = self._cluster.sandbox if kind is Kind.SANDBOX else None
        actor = self._actor.options(
            num_cpus=0 if sandbox else 1, max_restarts=0, scheduling_strategy=pinned(node)
        ).remote(self._frozen, self._surroundings, sandbox)
        self.workers.append(Worker(actor, node, kind, actor.ready.remote()))

    # ------------------------------------------------------------------------------------ what

    def free(self, kind: Kind) -> list[Worker]:
        """One entry for each task that may be given out now, those with least to do first."""
        ready = [one for one in self.of(kind) if one.starting is None]
        return [one for given in range(_AHEAD) for one in ready if len(one.given) <= given]

    def give(self, worker: Worker, task: Task) -> None:
        """Have a task done."""
        worker.given[worker.actor.do.remote(pickle.dumps(task.item))] = task

    def wait(self) -> Iterator[Done | Died]:
        """What has happened, after a second at the latest."""
        awaited = {ref: one for one in self.workers for ref in one.given}
        awaited |= {one.starting: one for one in self.workers if one.starting is not None}
        if not awaited:
            time.sleep(_WAIT_S)
            return
        refs = list(awaited)
        if not ray.wait(refs, num_returns=1, timeout=_WAIT_S)[0]:
            return
        for ref in ray.wait(refs, num_returns=len(refs), timeout=0)[0]:
            worker = awaited[ref]
            if worker in self.workers:  # else it died with an earlier one
                yield from self._happened(worker, ref)

    def _happened(self, worker: Worker, ref: Any) -> Iterator[Done | Died]:
        try:
            found: Any = ray.get(ref)
        except RayError as error:  # the process or its node is gone, or cannot be reached
            if ref is worker.starting:
                self._note_failed_start(worker.node, error)
            tasks = list(worker.given.values())
            self._forget(worker)
            yield Died(worker, tasks)
            return
        if ref is worker.starting:
            worker.starting = None
            self.failed_starts.pop(worker.node.id, None)
            if found:
                self.dismiss(worker, found)
            return
        well, frozen = found
        yield Done(worker, worker.given.pop(ref), well, frozen)

    def _note_failed_start(self, node: Node, error: RayError) -> None:
        before = self.failed_starts.get(node.id)
        why = " ".join(f"{error}".split())[:_SHOWN_CHARS]
        count = 1 + (before.count if before else 0)
        self.failed_starts[node.id] = FailedStarts(count, time.monotonic(), why)

    # -------------------------------------------------------------------------------- the end

    def dismiss(self, worker: Worker, lacks: str) -> list[Task]:
        """End a worker whose node runs no programs; the tasks that it had."""
        self.lacks[worker.node.id] = lacks
        tasks = list(worker.given.values())
        self._leave([worker])
        return tasks

    def close(self) -> None:
        """End all workers; returns when they have left the work or are killed."""
        self._leave(list(self.workers))

    def _leave(self, workers: list[Worker]) -> None:
        try:
            closing: list[Any] = []
            for one in workers:
                for ref in one.given:
                    ray.cancel(ref)  # what has not begun
                if one.starting is None:
                    closing.append(one.actor.close.remote())
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_S)
        finally:
            for one in workers:
                self._forget(one)

    def _forget(self, worker: Worker) -> None:
        self.workers.remove(worker)
        with suppress(RayError):
            ray.kill(worker.actor)
