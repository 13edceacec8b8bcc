"""`map_parts` on a Ray cluster: workers on its nodes, and tasks that outlive them."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, Final, TypeVar

from ray.exceptions import RayError

from factory.backlog import Backlog, Kind, Task
from factory.cluster.connected import connect
from factory.cluster.crew import Crew
from factory.cluster.joined import named
from factory.cluster.nodes import Node, shown
from factory.cluster.worker import Died, Done
from factory.errors import ClusterError, GraderError, SandboxUnavailable
from factory.executor import Cluster

Item = TypeVar("Item")
Made = TypeVar("Made")

_DEATHS: Final = 3
"""Workers that may die at one item."""
_SHOWN_CHARS: Final = 200


def in_cluster(
    work: Callable[[Item], Made],
    items: Iterable[Item],
    workers: int | None,
    cluster: Cluster,
    in_sandbox: Callable[[Item], bool] | None = None,
) -> Iterator[tuple[int, Made]]:
    """`(position, work(item))` as they finish: see `factory.parts.map_parts`.

    Tasks of a worker that dies, alone or with its node, go to others; so work may be begun twice,
    and what it writes it must write whole.

    Args:
        workers: One CPU each, at most; None: as many as the cluster has, also when nodes join.
        in_sandbox: Items for which it is true go to one further worker on each node with Docker.

    Raises:
        ClusterError: As `factory.cluster.connected.connect`; no node does the work within
            `node_wait_s`; a node that joins is not like this machine; the head is gone.
        GraderError: Workers died again and again at one item.
        SandboxUnavailable: No node runs programs.
    """
    frozen = pickle.dumps(work)
    connect(cluster.settings)
    if isinstance(items, Sized):
        workers = min(len(items), workers or len(items))
    backlog = Backlog(items, in_sandbox)
    crew = Crew(frozen, workers, cluster)
    patience = _Patience(cluster)
    try:
        while True:
            crew.look()
            _give_out(crew, backlog)
            if backlog.finished and not any(one.given for one in crew.workers):
                return
            patience.look(crew, backlog)
            for event in crew.wait():
                if isinstance(event, Died):
                    backlog.put_back(_survivors(event))
                elif event.well:
                    yield event.task.position, pickle.loads(event.frozen)
                else:
                    backlog.put_back(_elsewhere(crew, event))
    except RayError as error:
        raise ClusterError(
            f"{named(cluster.settings)}: expected its head to answer, found "
            f"{type(error).__name__}: {' '.join(str(error).split())[:_SHOWN_CHARS]}; start the "
            f"cluster and run again, finished parts are kept"
        ) from error
    finally:
        crew.close()


def _give_out(crew: Crew, backlog: Backlog) -> None:
    """Give each worker what it has room for; start workers for what nobody can take yet."""
    backlog.fill({kind: len(crew.free(kind)) or not crew.of(kind) for kind in Kind})
    for kind in Kind:
        if waiting := backlog.count(kind):
            crew.top_up(kind, waiting + len(crew.of(kind)))
        for worker in crew.free(kind):
            if not backlog.count(kind):
                break
            crew.give(worker, backlog.take(kind))


def _survivors(died: Died) -> list[Task]:
    """The tasks of a worker that died; it is held against the one at which it worked."""
    if not died.tasks:
        return []
    first = died.tasks[0]
    first.deaths += 1
    if first.deaths >= _DEATHS:
        raise GraderError(
            f"item {first.position} ({_short(first.item)}): expected a worker to finish it, found "
            f"{first.deaths} that died at it, the last on node {died.worker.node.name}; most "
            f"likely they were out of memory: lower `workers` in the machine file or take nodes "
            f"with more memory, and run again, finished parts are kept"
        )
    return died.tasks


def _elsewhere(crew: Crew, done: Done) -> list[Task]:
    """The tasks of a node that runs no programs any more, where another one does.

    Raises:
        Exception: The error of the work, where it is another one or there is no other node.
    """
    error: Exception = pickle.loads(done.frozen)
    others = [one for one in crew.of(Kind.SANDBOX) if one is not done.worker]
    if not (isinstance(error, SandboxUnavailable) and done.task.kind is Kind.SANDBOX and others):
        raise error
    sys.stderr.write(f"node {done.worker.node.name} is given no more programs: {error}\n")
    return [done.task, *crew.dismiss(done.worker, str(error))]


class _Patience:
    """How long tasks have waited for a node that could do them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._since_s: dict[Kind, float] = {}
        self._ran_programs = False

    def look(self, crew: Crew, backlog: Backlog) -> None:
        """Return while it is worth waiting.

        Raises:
            ClusterError: No worker has been ready for too long.
            SandboxUnavailable: Programs wait, and all nodes have said that they run none.
        """
        for kind in Kind:
            ready = any(one.starting is None for one in crew.of(kind))
            if ready or not backlog.count(kind):
                self._since_s.pop(kind, None)
                self._ran_programs |= ready and kind is Kind.SANDBOX
                continue
            waited_s = time.monotonic() - self._since_s.setdefault(kind, time.monotonic())
            late = waited_s > self._cluster.settings.node_wait_s
            none_can = all(node.id in crew.lacks for node in crew.nodes) and crew.nodes
            if kind is Kind.SANDBOX and none_can and (late or not self._ran_programs):
                raise self._no_docker(crew)
            if late:
                raise self._no_node(crew)

    def _no_docker(self, crew: Crew) -> SandboxUnavailable:
        each = "; ".join(f"{node.name}: {crew.lacks[node.id]}" for node in crew.nodes)
        return SandboxUnavailable(
            f"{named(self._cluster.settings)}: expected a node with Docker for programs, found "
            f"none: {each}"
        )

    def _no_node(self, crew: Crew) -> ClusterError:
        failed = [f"; {node.name}: {_failed(crew, node)}" for node in crew.nodes]
        died = [one for node, one in zip(crew.nodes, failed, strict=True) if _failed(crew, node)]
        why = "".join(died) or (", whose cores others use" if crew.nodes else "")
        return ClusterError(
            f"{named(self._cluster.settings)}: expected a node that takes work within "
            f"{self._cluster.settings.node_wait_s:.0f} s, found {shown(crew.nodes)}{why}; "
            f"start nodes, free some or raise ray.node_wait_s, and run again, finished parts are "
            f"kept"
        )


def _failed(crew: Crew, node: Node) -> str:
    """Why workers did not start on a node; empty where they did."""
    failed = crew.failed_starts.get(node.id)
    return f"workers died at their start ({failed.why})" if failed else ""


def _short(item: Any) -> str:
    text = repr(item)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
