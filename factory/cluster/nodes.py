"""The nodes of the cluster that this process is connected to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_SHOWN: Final = 8


@dataclass(frozen=True)
class Node:
    """One node, by Ray's id."""

    id: str
    name: str
    """Address and host, as people know it."""
    cores: int
    """In all, whether or not others use them."""
    gpus: int = 0


def alive_nodes() -> list[Node]:
    """The nodes that Ray takes for alive, in the order of their names."""
    import ray

    found: list[dict[str, Any]] = ray.nodes()
    nodes = [
        Node(
            one["NodeID"],
            f"{one['NodeManagerAddress']} ({one['NodeManagerHostname']})",
            int(one["Resources"].get("CPU", 0)),
            int(one["Resources"].get("GPU", 0)),
        )
        for one in found
        if one["Alive"]
    ]
    return sorted(nodes, key=lambda node: (node.name, node.id))


def pinned(node: Node) -> Any:
    """Ray's strategy that puts a task or an actor on this node and nowhere else."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node.id, soft=False)


def shown(nodes: Sequence[Node]) -> str:
    """E.g. `10.0.0.7 (grader-1) with 16 cores; 10.0.0.8 (teacher-1) with 64 cores and 8 GPUs`."""
    if not nodes:
        return "no node that is alive"
    named = [f"{node.name} with {_what(node)}" for node in nodes[:_SHOWN]]
    more = [f"{len(nodes) - _SHOWN} more"] if len(nodes) > _SHOWN else []
    return "; ".join([*named, *more])


def counted(count: float, noun: str) -> str:
    """E.g. `1 core`, `8 GPUs`."""
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


def _what(node: Node) -> str:
    gpus = f" and {counted(node.gpus, 'GPU')}" if node.gpus else ""
    return counted(node.cores, "core") + gpus
