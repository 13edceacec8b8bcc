"""vLLM servers of a stage: started, watched, restarted when they die, and never left behind.

Each server listens on a free port of 127.0.0.1, writes its log beside the artifact, and lives
under `keeper.py`, which ends it with all its processes when this process stops, fails or is
killed. Or Ray places them on nodes of a cluster (`placed.py`), and all else is the same. One that
dies, or is alive but says for long nothing about its health, is started again. Many deaths in a
long run are survived; deaths one after another without an answer in between are the
end of the stage.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

from factory.errors import ClusterError, MissingDependency, TeacherError
from factory.executor import Cluster
from factory.generate.vllm_arguments import installed_vllm, server_command
from factory.generate.vllm_environment import server_environment
from factory.generate.vllm_process import VllmProcess
from factory.models import Model
from factory.shown.progress import say
from schemas.machine import Vllm
from schemas.teacher_settings import VllmTeacher

RESTARTS: Final = 4
"""How often each server may be started again without having answered a request in between. At
least the deaths that find a request guilty of them (`suspects.GUILTY_DEATHS`)."""
_HUNG_AFTER_S: Final = 120.0
_HUNG_AFTER_ON_CPU_S: Final = 600.0
"""Of failed checks of health, one after another. On CPU one step can take minutes, and where the
engine computes in the server's process nothing else is answered meanwhile."""
_POLL_S: Final = 0.25
_HEALTH_EVERY_S: Final = 5.0
_NEWS_EVERY_S: Final = 10.0


class Server(Protocol):
    """One server, here or on a node; see `VllmProcess`."""

    @property
    def log(self) -> Path: ...
    @property
    def started_s(self) -> float: ...
    @property
    def base_url(self) -> str: ...
    @property
    def waits_for_room(self) -> bool: ...
    def start_again(self) -> None: ...
    def has_ended(self) -> bool: ...
    def answers(self) -> bool: ...
    def kill(self) -> None: ...
    def release(self) -> None: ...
    def wait(self) -> None: ...
    def says(self) -> str: ...


Start = Callable[[int, Path], Server]
"""Starts the server of a number, with its log; does not wait until it answers."""


class VllmServers:
    """The servers of one stage; a context manager that returns when all answer.

    Args:
        cluster: On whose nodes Ray places them; None: they run on this machine.
        hung_after_s: A server that is alive but fails its checks of health for so long is ended and
            started again; None: two minutes, on CPU ten.

    Raises:
        TeacherError: One died, or did not answer within `startup_timeout_s`.
        ClusterError: There is no cluster, no room on it, or a node is not like this machine.
        MissingDependency: vLLM is not installed.
    """

    def __init__(
        self,
        teacher: VllmTeacher,
        vllm: Vllm,
        model: Model,
        log_dir: Path,
        hung_after_s: float | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self._distribution = installed_vllm()
        self._teacher = teacher
        self._model = model
        self._vllm = vllm
        self._log_dir = log_dir
        patience_s = _HUNG_AFTER_ON_CPU_S if self._distribution.cpu else _HUNG_AFTER_S
        self._hung_after_s = hung_after_s or patience_s
        self._cluster = cluster
        self._room = ExitStack()
        self._servers: list[Server] = []
        self._deaths: list[int] = []
        self._watchers: list[threading.Thread] = []
        self._stop = threading.Event()
        self._error: TeacherError | ClusterError | MissingDependency | None = None
        self.engine = f"vllm {self._distribution.version}"
        self.key: str | None = None
        """What a client must send; those of this machine listen to nobody else and want none."""
        self.startup_s = 0.0

    def __enter__(self) -> VllmServers:
        begun = time.monotonic()
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            start = self._here() if self._cluster is None else self._placed(self._cluster)
            for number in range(self._vllm.replicas):
                self._servers.append(start(number, self._log_dir / f"vllm-{number}.log"))
                self._deaths.append(0)
            for server in self._servers:
                self._wait_healthy(server)
        except BaseException:
            self.close()
            raise
        self.startup_s = time.monotonic() - begun
        for number in range(self._vllm.replicas):
            watcher = threading.Thread(
                target=self._watch, args=(number,), name=f"vllm-watcher-{number}", daemon=True
            )
            watcher.start()
            self._watchers.append(watcher)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _here(self) -> Start:
        cpu = self._distribution.cpu
        command = server_command(self._teacher, self._vllm, self._model, cpu=cpu)
        return lambda number, log: VllmProcess(
            command, server_environment(self._vllm, number, cpu=cpu), log
        )

    def _placed(self, cluster: Cluster) -> Start:
        from factory.cluster.connected import connect

        connect(cluster.settings)  # which says so where no Ray is installed
        from factory.generate.placed import Places

        places = Places(self._teacher, self._vllm, self._model, self._distribution, cluster)
        self._room.enter_context(places)
        self.key = places.key
        return places.start

    def close(self) -> None:
        """End the servers; returns when they are gone."""
        self._stop.set()
        for watcher in self._watchers:
            watcher.join()  # it may be starting a server again; afterwards nobody is
        for server in self._servers:
            server.release()
        for server in self._servers:
            server.wait()
        self._room.close()

    def base_urls(self) -> list[str]:
        """Where the servers listen now; a restarted one has moved."""
        return [server.base_url for server in self._servers]

    def answered(self, number: int) -> None:
        """Note that this server, by its place in `base_urls`, has answered a request: its deaths
        so far count no more."""
        self._deaths[number] = 0

    def check(self) -> None:
        """Raise the error that ended a server for good, if there is one.

        Raises:
            TeacherError: A server died again and again, or did not come back.
        """
        if self._error is not None:
            raise self._error

    def _watch(self, number: int) -> None:
        server = self._servers[number]
        well_s = checked_s = time.monotonic()
        while self._error is None and not self._stop.wait(_POLL_S):
            if server.has_ended():
                self._start_again(number, "died")
                well_s = checked_s = time.monotonic()
            elif time.monotonic() - checked_s >= _HEALTH_EVERY_S:
                if server.answers():
                    well_s = time.monotonic()
                checked_s = time.monotonic()
                if checked_s - well_s > self._hung_after_s:
                    server.kill()
                    self._start_again(number, f"did not answer for {checked_s - well_s:.0f} s")
                    well_s = checked_s = time.monotonic()

    def _start_again(self, number: int, why: str) -> None:
        server = self._servers[number]
        if self._deaths[number] >= RESTARTS:
            self._error = TeacherError(
                f"vLLM server for {self._model.name}: expected it to answer, it died "
                f"{RESTARTS + 1} times without an answer in between; its log {server.log} ends "
                f"with\n{server.says()}\nmend that and run again, finished candidates are kept"
            )
            return
        self._deaths[number] += 1
        say(
            f"vLLM server {number} {why}; starting it again ({self._deaths[number]} of {RESTARTS} "
            f"until it answers), its log is {server.log}"
        )
        server.start_again()
        try:
            self._wait_healthy(server)
        except TeacherError as error:
            if not server.has_ended():
                self._error = error
        except (ClusterError, MissingDependency) as error:
            self._error = error

    def _wait_healthy(self, server: Server) -> None:
        news_s = time.monotonic() + _NEWS_EVERY_S
        while not server.answers():
            waited_s = time.monotonic() - server.started_s
            if self._stop.is_set():
                return
            if server.has_ended():
                raise TeacherError(
                    f"vLLM server for {self._model.name}: expected it to start, it ended after "
                    f"{waited_s:.0f} s; its log {server.log} says\n{server.says()}\nchange the "
                    f"recipe's teacher or [vllm] of the machine file and run again"
                )
            if waited_s > self._vllm.startup_timeout_s and not server.waits_for_room:
                raise TeacherError(
                    f"vLLM server for {self._model.name}: expected it to answer within "
                    f"{self._vllm.startup_timeout_s:.0f} s, it does not; its log {server.log} says"
                    f"\n{server.says()}\nraise vllm.startup_timeout_s in the machine file"
                )
            if time.monotonic() > news_s:
                doing = "waits for room for" if server.waits_for_room else "is loading"
                say(f"vLLM {doing} {self._model.name} ({waited_s:.0f} s)")
                news_s += _NEWS_EVERY_S
            time.sleep(_POLL_S)
