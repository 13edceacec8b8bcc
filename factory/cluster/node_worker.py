"""What does items on a node: an actor that holds its own copy of the work, entered once."""

from __future__ import annotations

import os
import pickle
import socket
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import GraderError, SandboxUnavailable
from factory.processes import opened
from schemas.machine import Sandbox


@dataclass(frozen=True)
class Surroundings:
    """What the process that asks has around it, and processes that it starts would have too."""

    folder: Path
    """Where relative paths start."""
    environment: dict[str, str]


class NodeWorker:
    """One worker; Ray calls its methods one after the other.

    Args:
        frozen: The work, pickled; it is entered at the first item and left by `close`.
        sandbox: What Docker must have here; None: items need no sandbox.
    """

    def __init__(self, frozen: bytes, surroundings: Surroundings, sandbox: Sandbox | None) -> None:
        self._frozen = frozen
        self._surroundings = surroundings
        self._sandbox = sandbox
        self._stack = ExitStack()
        self._do: Callable[[Any], Any] | None = None

    def ready(self) -> str:
        """What this node lacks to run programs, with the remedy; empty where nothing."""
        os.environ.update(self._surroundings.environment)
        if self._surroundings.folder.is_dir():  # a node may have no such folder and need none
            os.chdir(self._surroundings.folder)
        if self._sandbox is None:
            return ""
        from factory.grade.code import check_sandbox

        try:
            check_sandbox(self._sandbox)
        except SandboxUnavailable as error:
            return str(error)
        return ""

    def do(self, item: bytes) -> tuple[bool, bytes]:
        """Whether an item was done, and what was made of it or the error, pickled."""
        try:
            if self._do is None:
                self._do = self._stack.enter_context(opened(pickle.loads(self._frozen)))
            return True, pickle.dumps(self._do(pickle.loads(item)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it was asked
            return False, _frozen_error(error)

    def close(self) -> None:
        """Leave the work."""
        self._do = None
        self._stack.close()


def _frozen_error(error: Exception) -> bytes:
    """The error with its trace as a note; one that does not pickle by its name and message."""
    trace = "".join(traceback.format_exception(error))
    try:
        error.__cause__ = error.__context__ = None
        error.add_note(f"on node {socket.gethostname()}:\n{trace}")
        frozen = pickle.dumps(error)
        pickle.loads(frozen)
    except Exception:  # noqa: BLE001 - an error of any class, with a constructor of its own
        plain = GraderError(f"{type(error).__name__}: {error}")
        plain.add_note(f"on node {socket.gethostname()}:\n{trace}")
        return pickle.dumps(plain)
    return frozen
