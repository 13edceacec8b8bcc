"""Where the work of `map_parts` is done: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from schemas.machine import Machine, Ray


@dataclass(frozen=True)
class Executor:
    """How many pieces of work are done at a time, and where."""

    workers: int = 1
    """Processes; with one the work is done in the process that asks for it."""
    ray: Ray | None = None
    """None: processes of this machine."""

    def at_most(self, workers: int) -> Executor:
        """The same place with fewer workers, where more are not worth their start."""
        return replace(self, workers=max(1, min(self.workers, workers)))


HERE: Final = Executor()
"""This process alone."""


def executor_of(machine: Machine) -> Executor:
    """What the machine file asks for: as many workers as it says, else one for each core.

    Raises:
        ClusterError: There is no Ray cluster where the machine file says, or no Ray is installed.
    """
    if machine.executor == "ray":
        from factory.cluster.connected import cluster_cores

        return Executor(machine.workers or cluster_cores(machine.ray), machine.ray)
    return Executor(machine.workers or len(os.sched_getaffinity(0)))
