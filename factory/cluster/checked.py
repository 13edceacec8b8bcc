"""Whether there is a cluster to work on: asked before a run, from a process of its own.

A process that was once connected cannot be forked, and a run's own forks its tasks.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from factory.cluster.connected import disconnect, nodes_alike
from factory.cluster.joined import must_be_installed
from factory.cluster.nodes import Node
from factory.executor import Cluster


def check_cluster(cluster: Cluster) -> list[Node]:
    """The nodes of the cluster, each like this machine; none where Ray is started for the run.

    Raises:
        ClusterError: Nothing answers at the address, or a node is not like this machine.
        MissingDependency: No Ray is installed.
    """
    must_be_installed()
    if not cluster.settings.address:
        return []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_nodes, cluster).result()


def _nodes(cluster: Cluster) -> list[Node]:
    try:
        return nodes_alike(cluster)
    finally:
        disconnect()
