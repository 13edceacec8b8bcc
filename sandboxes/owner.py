"""Whose a container is, and where it runs: labels that other processes of ours go by."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

import docker
import docker.errors

OWNED = "retort.sandbox.owner"
"""Label: process id, its start time in clock ticks, its process namespace, boot and host."""


HIDDEN = "hidden"
"""In place of a start time, where this process may not see another's."""
CPU = "retort.sandbox.cpu"
"""Label: the core that the container runs on."""


def labels(cpu: int) -> dict[str, str]:
    """Labels of a container of this process on a core."""
    return {OWNED: _identity(os.getpid()), CPU: f"{cpu}"}


def free_cpus(client: docker.DockerClient, count: int) -> list[int]:
    """So many cores for new slots, those first that have the fewest sandboxes, ours or others'.

    A slot on one core costs a sixth less processor time than one that wanders: its processes
    wake each other without waking another core.
    """
    allowed = sorted(os.sched_getaffinity(0))
    there = int(client.info()["NCPU"])
    used = dict.fromkeys([cpu for cpu in allowed if cpu < there] or range(there), 0)
    for container in client.containers.list(filters={"label": CPU}, ignore_removed=True):
        cpu = int(container.labels[CPU])
        if cpu in used:
            used[cpu] += 1
    chosen: list[int] = []
    for _ in range(count):
        least = min(used.values())
        chosen.append(random.choice([cpu for cpu, load in used.items() if load == least]))
        used[chosen[-1]] += 1
    return chosen


def sweep(client: docker.DockerClient) -> int:
    """Remove the containers whose owners have died; the count of them.

    Only those of this host, boot and process namespace are judged; others are left alone.
    """
    removed = 0
    for container in client.containers.list(
        all=True, filters={"label": OWNED}, ignore_removed=True
    ):
        if not _is_dead(container.labels[OWNED]):
            continue
        try:
            container.remove(force=True)
        except docker.errors.APIError as error:
            # Gone, or going: Docker removes a container that has ended.
            if error.status_code not in (404, 409):
                raise
        removed += 1
    return removed


def _is_dead(identity: str) -> bool:
    pid, _, rest = identity.partition(" ")
    ours = _identity(os.getpid()).split(" ", 2)[2]
    if not pid.isdigit() or rest.partition(" ")[2] != ours:
        return False
    found = _identity(int(pid))
    return found != identity and found.split()[1] != HIDDEN


def _identity(pid: int) -> str:
    try:
        # The name in parentheses may hold spaces; the start time is the 20th field after it.
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        started = "gone"
    except PermissionError:
        started = HIDDEN
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{pid} {started} {namespace} {boot} {socket.gethostname()}"
