"""What a command takes while it runs, told apart by what it is doing: processor time of it, of the
teacher, and of the sandboxes; memory; disk.

Looked at now and then: memory is the largest of what was seen, processor time is exact but for what
happens between two looks. Kept in a file, so that a run that is killed and started again adds up.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from data_stages.process_sizes import family, sizes

from factory.parts import write_atomically

from .containers import Containers

_FIRST_S: Final = 0.25
_LAST_S: Final = 1.0
_SHARE: Final = 0.01
"""Between two looks is this share of the time so far, within these bounds: looking costs too."""
_DISK_EVERY_S: Final = 5.0
"""Finding out what is on disk takes longer than the rest."""
_ENGINE: Final = ("dockerd", "containerd")


@dataclass
class Took:
    """Of one label."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    """Of the command and all processes below it."""
    teacher_cpu_s: float = 0.0
    sandbox_cpu_s: float = 0.0
    """Within the containers of the command."""
    engine_cpu_s: float = 0.0
    """Of Docker's own processes, whoever they work for."""
    peak_rss_bytes: int = 0
    """Sum of all processes; pages that they share count in each."""
    peak_pss_bytes: int = 0
    """Sum in which shared pages count once; pages of mapped files too."""
    peak_anonymous_bytes: int = 0
    """Of these, what cannot be given back to the system."""
    peak_sandbox_bytes: int = 0
    """Memory of all containers together."""
    peak_disk_bytes: int = 0
    """Everything that the run had written."""


class Watch:
    """Looks at a process and those below it; a context manager.

    Args:
        pid: The command's.
        teacher: The teacher's process; None: there is none.
        label: What the command is doing now.
        file: Where the figures are kept.
        disk: Bytes that are written at the moment.
    """

    def __init__(
        self,
        pid: int,
        *,
        teacher: int | None,
        label: Callable[[], str],
        file: Path,
        disk: Callable[[], int],
    ) -> None:
        self.took: dict[str, Took] = {}
        self._pid, self._teacher, self._label = pid, teacher, label
        self._file, self._disk = file, disk
        self._containers = Containers()
        self._engine = [
            one.pid for one in psutil.process_iter(["name"]) if one.info["name"] in _ENGINE
        ]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._last_s = time.monotonic()
        self._last = self._cpu([pid])

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()
        self._keep()

    def _look(self) -> None:
        begun_s = time.monotonic()
        disk_s = 0.0
        while not self._done.wait(
            min(_LAST_S, max(_FIRST_S, _SHARE * (time.monotonic() - begun_s)))
        ):
            took = self.took.setdefault(self._label(), Took())
            pids = family(self._pid)
            self._add_times(took, pids)
            found = [sizes(pid) for pid in pids]
            resident = sum(one.resident for one in found)
            proportional = sum(one.proportional for one in found)
            anonymous = sum(one.anonymous for one in found)
            took.peak_rss_bytes = max(took.peak_rss_bytes, resident)
            took.peak_pss_bytes = max(took.peak_pss_bytes, proportional)
            took.peak_anonymous_bytes = max(took.peak_anonymous_bytes, anonymous)
            took.peak_sandbox_bytes = max(took.peak_sandbox_bytes, self._containers.memory_bytes)
            if time.monotonic() - disk_s > _DISK_EVERY_S:
                took.peak_disk_bytes = max(took.peak_disk_bytes, self._disk())
                disk_s = time.monotonic()
            self._keep()  # at once: a run that is killed counts what it did to its last look

    def _add_times(self, took: Took, pids: list[int]) -> None:
        now_s, now = time.monotonic(), self._cpu(pids)
        took.wall_s += now_s - self._last_s
        for name, value in now.items():
            spent = max(0.0, value - self._last[name])
            setattr(took, name, getattr(took, name) + spent)
        self._last_s, self._last = (
            now_s,
            {name: max(value, self._last[name]) for name, value in now.items()},
        )

    def _cpu(self, pids: list[int]) -> dict[str, float]:
        return {
            "cpu_s": sum(_cpu_s(pid) for pid in pids),
            "teacher_cpu_s": _cpu_s(self._teacher) if self._teacher else 0.0,
            "sandbox_cpu_s": self._containers.cpu_s(set(pids)),
            "engine_cpu_s": sum(_cpu_s(pid) for pid in self._engine),
        }

    def _keep(self) -> None:
        content = {label: asdict(took) for label, took in self.took.items()}
        write_atomically(self._file, json.dumps(content, indent=1).encode())


def added_up(files: list[Path]) -> dict[str, Took]:
    """Label -> what all tries took together: times are summed, peaks are the largest."""
    found: dict[str, Took] = {}
    for file in files:
        content: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        for label, values in content.items():
            took = found.setdefault(label, Took())
            for name, value in values.items():
                before = getattr(took, name)
                setattr(took, name, max(before, value) if "peak" in name else before + value)
    return found


def disk_bytes(*folders: Path) -> int:
    """What the files below some folders take on disk, each once however many names it has."""
    sizes: dict[tuple[int, int], int] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    found = os.lstat(f"{place}/{name}")
                except FileNotFoundError:
                    continue  # it has just been removed
                sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


def _cpu_s(pid: int) -> float:
    """Of a process and of those below it that have ended."""
    try:
        found = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return found.user + found.system + found.children_user + found.children_system
