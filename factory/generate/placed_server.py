"""One vLLM server that Ray has placed, as the machine that runs sees it: a handle to its actor.

What `VllmProcess` is for a server here. A node that dies takes its actor along, and then the server
counts as ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from factory.errors import RetortError
from factory.generate.placed_process import Whereabouts
from factory.generate.vllm_process import base_url, is_well, said_at_the_end

_TOLD_CHARS: Final = 600
_END_S: Final = 30.0
"""For a server to be gone, with the grace that its keeper gives it."""


@dataclass
class _Life:
    """One actor and what is awaited of it."""

    actor: Any
    begun: Any
    where: Whereabouts | None = None
    ended: Any = None
    closed: Any = None


class PlacedServer:
    """One server on some node, started as often as needed, each time by a new actor.

    Args:
        actor: Asks Ray for an actor of `NodeServer`.
        must_have_room: Told for how many seconds no node has taken it; raises when that is enough.
    """

    def __init__(
        self, actor: Callable[[], Any], log: Path, must_have_room: Callable[[float], None]
    ) -> None:
        self.log = log
        self._new_actor = actor
        self._must_have_room = must_have_room
        self._where: Whereabouts | None = None
        self._life = self._begin()

    def _begin(self) -> _Life:
        self.started_s = time.monotonic()
        actor = self._new_actor()
        return _Life(actor, actor.start.remote())

    def start_again(self) -> None:
        """Start it after it has ended, where there is room; does not wait until it answers."""
        self._end_actor()
        self._life = self._begin()

    @property
    def waits_for_room(self) -> bool:
        """Whether no node has taken it yet."""
        return self._life.where is None and not ray.wait([self._life.begun], timeout=0)[0]

    @property
    def base_url(self) -> str:
        """Where it listens, or listened last."""
        assert self._where is not None  # asked for after the first start
        return base_url(self._where.host, self._where.port)

    def has_ended(self) -> bool:
        """Whether it, its actor or its node is gone.

        Raises:
            ClusterError, MissingDependency: Its node is not like this machine.
        """
        if not self._look():
            return False
        if self._life.where is None:
            return True
        return bool(ray.wait([self._life.ended], timeout=0)[0])

    def answers(self) -> bool:
        """Whether it says, over the network, that it is well.

        Raises:
            ClusterError: It waits in vain for a node, or its node is not like this machine.
        """
        if not self._look():
            self._must_have_room(time.monotonic() - self.started_s)
            return False
        where = self._life.where
        return where is not None and is_well(where.host, where.port)

    def kill(self) -> None:
        """End it at once; returns when it is gone, or with its node."""
        with suppress(RayError):
            ray.get(self._life.actor.kill.remote(), timeout=_END_S)

    def release(self) -> None:
        """Have it ended; does not wait."""
        if self._life.where is not None:
            self._life.closed = self._life.actor.close.remote()

    def wait(self) -> None:
        """Return when it is gone, or when its node does not answer."""
        if self._life.closed is not None:
            with suppress(RayError):
                ray.get(self._life.closed, timeout=_END_S)
        self._end_actor()

    def says(self) -> str:
        """What Ray and the log say about the end of this life, a few lines."""
        lines = self._told_by_ray()
        if self._life.where is not None and self.log.exists():
            lines.append(said_at_the_end(self.log, self._life.where.begins))
        return "\n".join(lines) or "  nothing"

    def _told_by_ray(self) -> list[str]:
        """Why the actor is gone, where it is."""
        try:
            ray.get(self._life.ended or self._life.begun, timeout=0)
        except GetTimeoutError:
            return []
        except RayError as error:
            told = " ".join(str(error).split())
            return [f"  Ray: {type(error).__name__}: {told[:_TOLD_CHARS]}"]
        return []

    def _look(self) -> bool:
        """Whether a node has taken it; then its place is known, unless it was gone at once."""
        life = self._life
        if life.where is None:
            if not ray.wait([life.begun], timeout=0)[0]:
                return False
            try:
                life.where = ray.get(life.begun)
            except RayTaskError as error:
                raise _as_itself(error) from None
            except RayError:
                return True
            life.ended = life.actor.ended.remote()
            self._where = life.where
            self.started_s = time.monotonic()
        return True

    def _end_actor(self) -> None:
        with suppress(RayError):
            ray.kill(self._life.actor)


def _as_itself(error: Any) -> Exception:
    """What was raised on the node."""
    cause = error.cause
    return cause if isinstance(cause, RetortError) else error
