"""The nodes that were looked at: a node takes work when it is known to be like this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from factory.cluster.likeness import difference, likeness_here, probe_in
from factory.cluster.nodes import Node, alive_nodes, pinned
from factory.errors import ClusterError

_LOOK_S: Final = 60.0
"""For a node to say what it has; one that does not is asked again later."""


class Alike:
    """What is known of the nodes of one connection."""

    def __init__(self) -> None:
        self._alike: set[str] = set()

    def nodes(self, folder: Path) -> list[Node]:
        """The alive nodes that are like this machine; new ones are looked at first.

        Raises:
            ClusterError: One is not.
        """
        alive = alive_nodes()
        if new := [node for node in alive if node.id not in self._alike]:
            self._look_at(new, folder)
        return [node for node in alive if node.id in self._alike]

    def _look_at(self, nodes: list[Node], folder: Path) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        remote: Any = ray.remote(likeness_here)
        with probe_in(folder) as probe:
            here = likeness_here(probe)
            asked = {
                remote.options(num_cpus=0, max_retries=0, scheduling_strategy=pinned(node)).remote(
                    probe
                ): node
                for node in nodes
            }
            answers, silent = ray.wait(
                list(asked), num_returns=len(asked), timeout=_LOOK_S, fetch_local=True
            )
            for one in silent:
                ray.cancel(one)
            for one in answers:
                node = asked[one]
                try:
                    unlike = difference(here, ray.get(one), folder)
                except RayTaskError as error:
                    last = str(error.cause or error).strip().splitlines()[-1]
                    unlike = (
                        f"expected the Retort of this machine, found none that starts ({last}); "
                        f"install it there"
                    )
                except RayError:  # gone meanwhile
                    continue
                if unlike:
                    raise ClusterError(f"node {node.name} of the Ray cluster: {unlike}")
                self._alike.add(node.id)
