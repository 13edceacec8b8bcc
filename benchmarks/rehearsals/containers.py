"""Processor time and memory of the sandboxes of a command, as the kernel counts them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import docker
import docker.errors
import requests

from sandboxes.owner import OWNED

_EVERY_S: Final = 1.0
_CGROUP: Final = Path("/sys/fs/cgroup")
_CPU: Final = (
    ("cpuacct/docker/{id}/cpuacct.usage", "", 1e9),
    ("system.slice/docker-{id}.scope/cpu.stat", "usage_usec ", 1e6),
    ("docker/{id}/cpu.stat", "usage_usec ", 1e6),
)
"""Where the time stands, after which word, in which part of a second; version 1, then 2."""
_MEMORY: Final = (
    "memory/docker/{id}/memory.usage_in_bytes",
    "system.slice/docker-{id}.scope/memory.current",
    "docker/{id}/memory.current",
)


class Containers:
    """The containers that processes of a family have started, those that have ended too."""

    def __init__(self) -> None:
        self._cpu_s: dict[str, float] = {}
        self._alive: list[str] = []
        self._asked_s = 0.0
        self.memory_bytes = 0
        """Of those that are there, when it was last asked."""
        try:
            self._client: docker.APIClient | None = docker.APIClient(timeout=10)
        except docker.errors.DockerException:
            self._client = None  # without an engine there are none

    def cpu_s(self, family: set[int]) -> float:
        """Processor time of all of them so far."""
        if time.monotonic() - self._asked_s >= _EVERY_S:
            self._asked_s = time.monotonic()
            self._alive = self._of(family)
        for name in self._alive:
            self._cpu_s[name] = max(self._cpu_s.get(name, 0.0), _cpu_s(name))
        self.memory_bytes = sum(_memory_bytes(name) for name in self._alive)
        return sum(self._cpu_s.values())

    def _of(self, family: set[int]) -> list[str]:
        if self._client is None:
            return []
        try:
            found = self._client.containers(filters={"label": OWNED})
        except (docker.errors.DockerException, requests.RequestException):
            return self._alive
        owned = ((one["Id"], one["Labels"][OWNED].split(" ")[0]) for one in found)
        return [name for name, owner in owned if owner.isdigit() and int(owner) in family]


def _cpu_s(name: str) -> float:
    for place, word, per_s in _CPU:
        content = _content(place, name)
        if content is not None:
            value = content.partition(word)[2] if word else content
            return int(value.split()[0]) / per_s
    return 0.0


def _memory_bytes(name: str) -> int:
    for place in _MEMORY:
        content = _content(place, name)
        if content is not None:
            return int(content)
    return 0


def _content(place: str, name: str) -> str | None:
    try:
        return (_CGROUP / place.format(id=name)).read_text(encoding="ascii")
    except OSError:
        return None
