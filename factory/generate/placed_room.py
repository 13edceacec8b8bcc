"""Room for vLLM replicas on the nodes of a Ray cluster: what each takes, how many there may be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from factory.cluster.nodes import Node, counted
from factory.executor import Cluster, cluster_of
from factory.generate.vllm_environment import gpus_each
from schemas.machine import Machine, Vllm


def placement(machine: Machine) -> Cluster | None:
    """The cluster on whose nodes servers are to be placed; None: they run on this machine."""
    return cluster_of(machine) if machine.executor == "ray" and machine.ray.place_vllm else None


def threads_each(vllm: Vllm, nodes: Sequence[Node]) -> int:
    """Threads of a replica on CPU: as the machine file says, else its share of the cores but one
    of the smallest node that has cores to give."""
    if vllm.cpu_threads is not None:
        return vllm.cpu_threads
    cores = [node.cores for node in nodes if node.cores]
    if not cores:
        return 1
    on_each = math.ceil(vllm.replicas / len(cores))
    return max(1, (min(cores) - 1) // on_each)


def taken_by_each(vllm: Vllm, threads: int, *, cpu: bool) -> dict[str, float]:
    """What Ray sets aside for a replica, by Ray's names; all of it on one node."""
    if cpu:
        return {"CPU": float(threads)}
    return {"CPU": 1.0, "GPU": float(gpus_each(vllm))}


def fitting(each: Mapping[str, float], nodes: Sequence[Node]) -> int:
    """Replicas that the nodes would hold if nobody else used them."""
    return sum(
        int(min(_has(node, name) // amount for name, amount in each.items())) for node in nodes
    )


def room_wanted(replicas: int, each: Mapping[str, float]) -> str:
    """E.g. `room for 4 replicas of 1 core and 2 GPUs each`."""
    parts = [counted(each["CPU"], "core")]
    if "GPU" in each:
        parts.append(counted(each["GPU"], "GPU"))
    return f"room for {counted(replicas, 'replica')} of {' and '.join(parts)} each"


def _has(node: Node, name: str) -> int:
    return node.gpus if name == "GPU" else node.cores
