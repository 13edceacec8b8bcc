"""The engine as the environment names it."""

from __future__ import annotations

import os
import socket

import docker
import docker.errors

from sandboxes.errors import DockerUnavailable


def connect() -> docker.DockerClient:
    """A client of the engine that the environment names, or of the local one.

    Raises:
        DockerUnavailable: None answers.
    """
    try:
        touch()
        client = docker.from_env(timeout=60)
    except (docker.errors.DockerException, OSError) as error:
        raise DockerUnavailable(no_engine(error)) from error
    try:
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        client.close()
        raise DockerUnavailable(no_engine(error)) from error
    return client


def touch() -> None:
    """Connect to a local engine's socket once: the library leaks its own where nobody answers.

    Raises:
        OSError: Nobody answers.
    """
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(60)
            probe.connect(host.removeprefix("unix://"))


def no_engine(error: Exception) -> str:
    """What to say where no engine answers."""
    return (
        f"Docker: expected an engine that answers, found {error}; start one with "
        "`python -m sandboxes.engine start`, or name one in DOCKER_HOST"
    )
