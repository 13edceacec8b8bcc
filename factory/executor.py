"""Where the work of `map_parts` is done: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from schemas.machine import Machine, Ray, Sandbox


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster as the machine file has it, and what its nodes are measured against."""

    settings: Ray
    folder: Path
    """Where the work writes, absolute; each node must see the same one there."""
    sandbox: Sandbox
    """What Docker must have on a node that runs programs."""


@dataclass(frozen=True)
class Executor:
    """How many pieces of work are done at a time, and where."""

    workers: int = 1
    """Processes; with one the work is done in the process that asks for it."""
    ray: Cluster | None = None
    """None: processes of this machine."""
    grows: bool = False
    """Whether nodes that join the cluster add their cores to `workers`."""

    def at_most(self, workers: int) -> Executor:
        """The same place with fewer workers, where more are not worth their start."""
        if workers >= self.workers:
            return self
        return replace(self, workers=max(1, workers), grows=False)


HERE: Final = Executor()
"""This process alone."""


def executor_of(machine: Machine, folder: Path | None = None) -> Executor:
    """What the machine file asks for: as many workers as it says, else one for each core.

    Args:
        folder: Absolute; where the work writes, which each node must see; None: the artifacts'.

    Raises:
        ClusterError: There is no Ray cluster where the machine file says, or a node of it is not
            like this machine.
        MissingDependency: No Ray is installed.
    """
    if machine.executor == "ray":
        from factory.cluster.connected import cluster_cores

        cluster = cluster_of(machine)
        cluster = replace(cluster, folder=folder or cluster.folder)
        cores = cluster_cores(cluster)
        return Executor(machine.workers or cores, cluster, grows=machine.workers is None)
    return Executor(machine.workers or len(os.sched_getaffinity(0)))


def cluster_of(machine: Machine) -> Cluster:
    """The cluster that a machine file names; connects to nothing."""
    from factory.recipe_file import resolve_plain  # which imports graders, and they this

    return Cluster(machine.ray, resolve_plain(machine.paths.artifacts), machine.sandbox)
