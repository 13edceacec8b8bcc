"""A Ray of this machine alone, started for the run: on loopback, and gone with the run."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import psutil

from factory.cluster import left_behind

_STORE_BYTES: Final = 96 * 2**20
_STORE_BYTES_PER_CORE: Final = 32 * 2**20
"""What is made and not yet taken lies there; what does not fit goes to disk."""
_NICENESS: Final = "RAY_worker_niceness"
"""Workers are as urgent as the processes that `map_parts` starts by itself."""
_TOKENS: Final = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
"""Where Ray looks for its secret first. Without one it writes one into the home folder, and then
wants it of every other cluster of this user."""
_TOKEN_BYTES: Final = 32
_LONGEST: Final = 40
"""Characters of a folder in which the paths of Ray's sockets are not too long for the kernel."""


class LocalRay:
    """The daemons of a Ray that `ray.init` starts, from `start` to `end`.

    `start` is called in a thread that lives as long as the run: the kernel ends the daemons when
    that thread ends.
    """

    def __init__(self) -> None:
        usual = tempfile.gettempdir()
        place = usual if len(usual) <= _LONGEST else "/tmp"
        self._folder = tempfile.mkdtemp(prefix="retort-ray-", dir=place)
        self._watcher: subprocess.Popen[bytes] | None = None

    def start(self, how: dict[str, Any]) -> None:
        """Start it and connect this process to it.

        Args:
            how: Further arguments of `ray.init`.
        """
        import ray

        cores = len(os.sched_getaffinity(0))
        before = set(psutil.Process().children(recursive=True))
        os.environ[_NICENESS] = "0"
        if not any(name in os.environ for name in _TOKENS):
            os.environ[_TOKENS[0]] = secrets.token_hex(_TOKEN_BYTES)
        try:
            with on_loopback():
                ray.init(
                    "local",
                    num_cpus=cores,
                    object_store_memory=_STORE_BYTES + cores * _STORE_BYTES_PER_CORE,
                    include_dashboard=False,
                    _temp_dir=self._folder,
                    **how,
                )
        finally:
            started = set(psutil.Process().children(recursive=True)) - before
            self._watch([left_behind.identity(one.pid) for one in started])

    def end(self) -> None:
        """End what is left of it, after `ray.shutdown`; returns when that is done."""
        if self._watcher is not None:
            self._watcher.communicate()
            self._watcher = None

    def _watch(self, identities: list[str]) -> None:
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", left_behind.__file__, self._folder, *filter(None, identities)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # an interrupt of the run is none of it
        )


@contextmanager
def on_loopback() -> Generator[None]:
    """While it lasts, Ray takes 127.0.0.1 for the address of this machine.

    It then listens on loopback alone. Otherwise it puts the address of the network in place of
    127.0.0.1 and listens everywhere.
    """
    from ray._private import ray_constants  # pyright: ignore[reportPrivateUsage]

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
