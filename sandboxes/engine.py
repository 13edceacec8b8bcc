"""The Docker engine of this machine: `python -m sandboxes.engine start|stop|status`.

`start` does nothing where an engine answers. Otherwise, as root on Debian, it installs the engine
(after saying so) and starts `dockerd`; `stop` ends only a `dockerd` that `start` started, and
leaves what was installed. Without root it says what to install and run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors

from sandboxes.client import connect
from sandboxes.errors import DockerUnavailable, EngineSetupError, SandboxError, how_to_build
from sandboxes.languages import PYTHON_IMAGE as DEFAULT_IMAGE

PACKAGES = ("docker.io", "debootstrap")
PID_FILE = Path("/run/retort-dockerd.pid")
LOG_FILE = Path("/var/log/retort-dockerd.log")
ANSWER_S = 60.0
STOP_S = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class EngineReport:
    """What the engine of this machine is and which limits it enforces."""

    answers: bool
    problem: str
    """Why it does not answer, with the remedy; empty where it does."""
    version: str
    runtimes: tuple[str, ...]
    memory_limit: bool
    swap_limit: bool
    """Also true where the machine has no swap that could escape the limit."""
    pids_limit: bool
    cpu_limit: bool
    seccomp: bool
    image: str
    image_present: bool

    @property
    def missing(self) -> list[str]:
        """What must be mended before programs may run, each with its remedy."""
        if not self.answers:
            return [self.problem]
        found = [
            f"the engine does not enforce {name}: mount its cgroup controller (see `docker info`)"
            for name, there in (
                ("a memory limit", self.memory_limit),
                ("a swap limit", self.swap_limit),
                ("a limit of processes", self.pids_limit),
                ("a CPU limit", self.cpu_limit),
            )
            if not there
        ]
        if not self.seccomp:
            found.append("the engine has no seccomp: use one that is built with it")
        if not self.image_present:
            found.append(f"no image {self.image}: run `{how_to_build(self.image)}`")
        return found


def check(image: str = DEFAULT_IMAGE) -> EngineReport:
    """What this machine's engine can do; never raises for an engine that is not there."""
    try:
        client = connect()
    except DockerUnavailable as error:
        return EngineReport(
            False, str(error), "", (), False, False, False, False, False, image, False
        )
    try:
        info: dict[str, Any] = client.info()
        try:
            client.images.get(image)
            present = True
        except docker.errors.ImageNotFound:
            present = False
    finally:
        client.close()
    return EngineReport(
        answers=True,
        problem="",
        version=f"{info.get('ServerVersion', '')}",
        runtimes=tuple(sorted(info.get("Runtimes", {}))),
        memory_limit=bool(info.get("MemoryLimit")),
        swap_limit=bool(info.get("SwapLimit")) or not _has_swap(),
        pids_limit=bool(info.get("PidsLimit")),
        cpu_limit=bool(info.get("CPUSet")),
        seccomp=any("seccomp" in option for option in info.get("SecurityOptions", [])),
        image=image,
        image_present=present,
    )


def _has_swap() -> bool:
    swaps = Path("/proc/swaps")
    return not swaps.is_file() or len(swaps.read_text().splitlines()) > 1


def start(say: Say) -> None:
    """Return when an engine answers.

    Raises:
        EngineSetupError: It cannot be started here; the message says what to install or run.
    """
    if check().answers:
        say("a Docker engine answers: nothing to do")
        return
    if host := os.environ.get("DOCKER_HOST"):
        raise EngineSetupError(
            f"engine: DOCKER_HOST is {host} and nothing answers there; start that engine, or unset "
            "DOCKER_HOST to use one on this machine"
        )
    if os.geteuid() != 0:
        raise EngineSetupError(
            "engine: none answers, and starting one needs root; as root run "
            f"`apt-get update && apt-get install --no-install-recommends {' '.join(PACKAGES)}` and "
            "`python -m sandboxes.engine start`, and have root add you to the group `docker`"
        )
    dockerd = _dockerd() or _install(say)
    say(f"starting {dockerd}; log {LOG_FILE}, stopped by `python -m sandboxes.engine stop`")
    with LOG_FILE.open("ab") as log:
        process = subprocess.Popen(
            [dockerd], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    PID_FILE.write_text(f"{process.pid} {_started(process.pid)}\n")
    deadline = time.monotonic() + ANSWER_S
    while not check().answers:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = LOG_FILE.read_text("utf-8", "replace")[-600:].strip()
            raise EngineSetupError(
                f"engine: dockerd did not answer within {ANSWER_S:.0f} s; its log {LOG_FILE} ends: "
                f"{tail}"
            )
        time.sleep(0.2)
    # The daemon outlives us; it is not ours to wait for.
    process.returncode = 0
    say("a Docker engine answers")


def _dockerd() -> str | None:
    return shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _install(say: Say) -> str:
    if shutil.which("apt-get") is None:
        raise EngineSetupError(
            "engine: none answers, and this system has no apt-get; install Docker Engine as your "
            "system does it, then run again"
        )
    say(f"installing {' and '.join(PACKAGES)} with apt-get; they stay installed")
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES],
    ):
        done = subprocess.run(
            command,
            env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 and "install" in command:
            raise EngineSetupError(
                f"engine: `{' '.join(command)}` failed: {done.stderr.strip()[-400:]}; mend apt's "
                "sources, or install Docker Engine in another way, and run again"
            )
    dockerd = _dockerd()
    if dockerd is None:
        raise EngineSetupError(
            f"engine: {' '.join(PACKAGES)} are installed, but there is no dockerd; install Docker "
            "Engine in another way and run again"
        )
    return dockerd


def stop(say: Say) -> None:
    """End the `dockerd` that `start` started; any other engine is left alone.

    Raises:
        EngineSetupError: It does not end.
    """
    pid = _ours()
    if pid is None:
        say("no engine was started by `python -m sandboxes.engine start`: nothing to do")
        PID_FILE.unlink(missing_ok=True)
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while _ours() is not None:
        if time.monotonic() > deadline:
            raise EngineSetupError(
                f"engine: dockerd {pid} did not end within {STOP_S:.0f} s; see {LOG_FILE}"
            )
        time.sleep(0.1)
    PID_FILE.unlink(missing_ok=True)
    say(f"dockerd {pid} has ended")


def _ours() -> int | None:
    """Process id of the `dockerd` that we started, where it still runs."""
    if not PID_FILE.is_file():
        return None
    pid, _, started = PID_FILE.read_text().strip().partition(" ")
    return int(pid) if pid.isdigit() and started == _started(int(pid)) else None


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; a reused id has another time."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "ended"
    return "ended" if fields[0] == "Z" else fields[19]


def status(say: Say) -> bool:
    """Say what the engine can do; whether nothing is missing."""
    report = check()
    if report.answers:
        say(f"Docker {report.version}, runtimes {', '.join(report.runtimes)}")
    for line in report.missing:
        say(f"missing: {line}")
    if not report.missing:
        say(f"limits of memory, swap, processes and CPU, seccomp, image {report.image}: all there")
    return not report.missing


def main() -> int:
    """The command line; 0 where the engine is as asked for."""
    parser = argparse.ArgumentParser(prog="python -m sandboxes.engine", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status"])
    action = parser.parse_args().action
    try:
        if action == "status":
            return 0 if status(_say) else 1
        (start if action == "start" else stop)(_say)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
